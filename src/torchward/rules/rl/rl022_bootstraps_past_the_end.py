"""RL022: a Q-learner adds the value of a next state also where the episode is over."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

EXPECTED = 25.0
"""Last steps of episodes that must have been among the transitions looked at: none among so many is no chance."""
MISSED = 0.03
"""Share of these that may look like one by the accident of a reward that is rare."""
EPISODES = 20
SAMPLES, SOME = 4, 0.6
"""Sampled updates, of the last half (at the start targets may be alike for other reasons); and the share of the ends above
which as many targets are alike as should be. One or two are by chance."""


def check(run: Run) -> Iterator[Finding]:
    episodes = run.episodes
    if episodes is None or episodes.ended < EPISODES:
        return
    for found in run.bootstraps:
        expected = found.rows * episodes.ended / episodes.steps
        if expected < EXPECTED or found.others > MISSED * expected:
            continue
        yield Finding(
            "RL022",
            data={
                "rows": found.rows,
                "expected": round(expected),
                "others": found.others,
                "factor": round(found.factor, 4),
                "ended": episodes.ended,
                "steps": episodes.steps,
            },
            place=at(found.site, found.steps),
            confidence=Confidence.LIKELY,
        )


def check_alike(run: Run) -> Iterator[Finding]:
    """Of a critic: its targets at the end are a few rewards, and so alike, if nothing is added to them."""
    episodes = run.episodes
    if episodes is None or episodes.ended < EPISODES:
        return
    for found in run.end_targets:
        late = list(zip(found.expected.values, found.alike.values, strict=True))[len(found.alike) // 2 :]
        expected, alike = (sum(column) for column in zip(*late, strict=True)) if late else (0.0, 0.0)
        if len(late) < SAMPLES or expected < EXPECTED or alike > SOME * expected:
            continue
        yield Finding(
            "RL022",
            data={
                "rows": round(expected * episodes.steps / episodes.ended),
                "expected": round(expected),
                "others": 0,
                "factor": "gamma",
                "ended": episodes.ended,
                "steps": episodes.steps,
            },
            place=at(found.site, found.alike),
            # Rewards that are divided by a running deviation before they are used are no few any more.
            confidence=Confidence.POSSIBLE,
            severity=Severity.HINT,
        )


RULE = Rule(
    code="RL022",
    name="bootstraps-past-the-end",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check, check_alike),
    message=Text(
        "the target of every transition is its reward plus {factor} times the value of the next state: of {rows} looked at, "
        "{others} are made otherwise, but about {expected} must have been the last of an episode ({ended} of {steps} steps "
        "in the environment were).",
        "每个转移的目标都是奖励加上 {factor} 倍的下一状态价值：在查看的 {rows} 个转移中，只有 {others} 个不是这样，"
        "而其中约有 {expected} 个应是一个回合的最后一步（环境的 {steps} 步中有 {ended} 步结束了回合）。",
    ),
    why=Text(
        "After the last step nothing is to be gained any more. If its target holds the value of a state beyond, failing costs "
        "nothing: all values drift towards reward / (1 - gamma), and the policy does not learn to avoid the end.",
        "最后一步之后不会再有任何收益。如果它的目标里还包含之后状态的价值，那么失败就没有代价："
        "所有价值都会漂向 奖励 / (1 - gamma)，策略学不会避免结束。",
    ),
    fix=Text(
        "Store `terminated` with each transition and leave the next value out where it is set: `target = reward + gamma * "
        "(1 - terminated) * next_value`. A step that was only cut off by a limit of time (`truncated`) keeps it.",
        "把 `terminated` 与每个转移一起存储，并在其为真时去掉下一状态的价值："
        "`target = reward + gamma * (1 - terminated) * next_value`。仅因时间上限被截断（`truncated`）的一步则保留该价值。",
    ),
    bad="""\
import random
from collections import deque

import gymnasium as gym
import numpy as np
import torch
from torch import nn

random.seed(0)
torch.manual_seed(0)
env = gym.make("CartPole-v1")
env.action_space.seed(0)
online = nn.Sequential(nn.Linear(4, 64), nn.ReLU(), nn.Linear(64, 2))
target = nn.Sequential(nn.Linear(4, 64), nn.ReLU(), nn.Linear(64, 2))
target.load_state_dict(online.state_dict())
optimizer = torch.optim.Adam(online.parameters(), lr=1e-3)
memory = deque(maxlen=5000)
state, _ = env.reset(seed=0)
for step in range(1500):
    if random.random() < max(0.05, 1 - step / 1000):
        action = env.action_space.sample()
    else:
        with torch.no_grad():
            action = online(torch.from_numpy(state)[None]).argmax().item()
    following, reward, terminated, truncated, _ = env.step(action)
    memory.append((state, action, reward, following, float(terminated)))
    state = env.reset()[0] if terminated or truncated else following
    if len(memory) < 64:
        continue
    states, actions, rewards, after, over = map(np.array, zip(*random.sample(memory, 64)))
    with torch.no_grad():
        best = target(torch.from_numpy(after)).max(dim=1).values
        wanted = torch.from_numpy(rewards).float() + 0.99 * best
    value = online(torch.from_numpy(states)).gather(1, torch.from_numpy(actions)[:, None])[:, 0]
    loss = nn.functional.smooth_l1_loss(value, wanted)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 100 == 0:
        target.load_state_dict(online.state_dict())
        print(step, loss.item(), value.mean().item())
""",
    good="""\
import random
from collections import deque

import gymnasium as gym
import numpy as np
import torch
from torch import nn

random.seed(0)
torch.manual_seed(0)
env = gym.make("CartPole-v1")
env.action_space.seed(0)
online = nn.Sequential(nn.Linear(4, 64), nn.ReLU(), nn.Linear(64, 2))
target = nn.Sequential(nn.Linear(4, 64), nn.ReLU(), nn.Linear(64, 2))
target.load_state_dict(online.state_dict())
optimizer = torch.optim.Adam(online.parameters(), lr=1e-3)
memory = deque(maxlen=5000)
state, _ = env.reset(seed=0)
for step in range(1500):
    if random.random() < max(0.05, 1 - step / 1000):
        action = env.action_space.sample()
    else:
        with torch.no_grad():
            action = online(torch.from_numpy(state)[None]).argmax().item()
    following, reward, terminated, truncated, _ = env.step(action)
    memory.append((state, action, reward, following, float(terminated)))
    state = env.reset()[0] if terminated or truncated else following
    if len(memory) < 64:
        continue
    states, actions, rewards, after, over = map(np.array, zip(*random.sample(memory, 64)))
    with torch.no_grad():
        best = target(torch.from_numpy(after)).max(dim=1).values
        wanted = torch.from_numpy(rewards).float() + 0.99 * best * torch.from_numpy(1 - over).float()
    value = online(torch.from_numpy(states)).gather(1, torch.from_numpy(actions)[:, None])[:, 0]
    loss = nn.functional.smooth_l1_loss(value, wanted)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 100 == 0:
        target.load_state_dict(online.state_dict())
        print(step, loss.item(), value.mean().item())
""",
    links=(
        "https://arxiv.org/abs/1712.00378",
        "https://gymnasium.farama.org/tutorials/gymnasium_basics/handling_time_limits/",
    ),
    explains=("TRN*", "OPT007", "NUM002"),
    needs=("modules", "graph"),
    preview=True,
)
