"""RL023: a Q-learner takes the limit of time, by which its episodes end, for an end after which nothing can be gained."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

EXPECTED = 15.0
"""Steps cut off by the limit that must have been among the transitions looked at."""
FOUND = 0.5
"""Share of these, at least, whose target is their reward alone."""
USUAL = 0.5
"""Share of the episodes that the limit ends. Where falls end most of them, as in CartPole until it is solved, the few that
are cut off do little harm, and public programs treat them alike."""
EPISODES = 10


def check(run: Run) -> Iterator[Finding]:
    episodes = run.episodes
    if episodes is None or episodes.limited < max(EPISODES, USUAL * (episodes.ended + episodes.cut)):
        return
    for found in run.bootstraps:
        expected = found.rows * episodes.limited / episodes.steps
        ended = found.rows * (episodes.ended + episodes.cut - episodes.limited) / episodes.steps
        if expected < EXPECTED or found.over - ended < FOUND * expected:
            continue
        yield Finding(
            "RL023",
            data={
                "rows": found.rows,
                "over": found.over,
                "factor": round(found.factor, 4),
                "limited": episodes.limited,
                "episodes": episodes.ended + episodes.cut,
                "expected": round(expected),
            },
            place=at(found.site, found.steps),
            confidence=Confidence.LIKELY,
        )


def check_rewards(run: Run) -> Iterator[Finding]:
    """Where rewards hardly repeat, targets that are nothing but such a reward are known by it."""
    episodes = run.episodes
    if episodes is None or episodes.limited < max(EPISODES, USUAL * (episodes.ended + episodes.cut)):
        return
    for found in run.cut_targets:
        expected = found.targets * episodes.limited / episodes.steps
        if expected < EXPECTED or found.bare < FOUND * expected:
            continue
        yield Finding(
            "RL023",
            data={
                "rows": round(found.targets),
                "over": found.bare,
                "factor": "gamma",
                "limited": episodes.limited,
                "episodes": episodes.ended + episodes.cut,
                "expected": round(expected),
            },
            place=at(found.site),
            confidence=Confidence.LIKELY,
        )


RULE = Rule(
    code="RL023",
    name="time-limit-as-end",
    severity=Severity.HINT,
    since="0.1.0",
    checks=(check, check_rewards),
    message=Text(
        "of {rows} transitions looked at, {over} have their reward alone as target, the others add {factor} times the value of "
        "the next state; {limited} of {episodes} episodes were cut off by the limit of time, and about {expected} of these "
        "transitions are their last steps.",
        "在查看的 {rows} 个转移中，{over} 个的目标只有奖励本身，其余的都加上 {factor} 倍的下一状态价值；"
        "{episodes} 个回合中有 {limited} 个是被时间上限截断的，这些转移中约有 {expected} 个是其最后一步。",
    ),
    why=Text(
        "A limit of time is no property of the state: the same state is met early, where much is still to come, and at the cut, "
        "where its target says that nothing is. Values become a mixture of both, and lose what comes after the limit. It is "
        "right only where the task itself ends then and the state tells the time that is left.",
        "时间上限不是状态的属性：同一状态既可能出现在早期（之后还有很多收益），也可能出现在截断处（目标却说之后什么都没有）。"
        "价值会成为两者的混合，并丢掉上限之后的部分。只有当任务本身到此结束、且状态包含剩余时间时，这样做才正确。",
    ),
    fix=Text(
        "Store `terminated` alone, and begin anew on either: `memory.append((state, action, reward, following, terminated))`, "
        "`target = reward + gamma * (1 - terminated) * next_value`, `if terminated or truncated: env.reset()`.",
        "只存储 `terminated`，但两种情况都重置环境：`memory.append((state, action, reward, following, terminated))`，"
        "`target = reward + gamma * (1 - terminated) * next_value`，`if terminated or truncated: env.reset()`。",
    ),
    bad="""\
import copy
import random
from collections import deque

import gymnasium as gym
import numpy as np
import torch
from torch import nn

random.seed(0)
torch.manual_seed(0)
env = gym.make("MountainCar-v0", max_episode_steps=40)
env.action_space.seed(0)
online = nn.Sequential(nn.Linear(2, 64), nn.ReLU(), nn.Linear(64, 3))
target = copy.deepcopy(online).requires_grad_(False)
optimizer = torch.optim.Adam(online.parameters(), lr=1e-3)
memory = deque(maxlen=5000)
state, _ = env.reset(seed=0)
for step in range(1500):
    if random.random() < max(0.1, 1 - step / 1000):
        action = env.action_space.sample()
    else:
        with torch.no_grad():
            action = online(torch.from_numpy(state)[None]).argmax().item()
    following, reward, terminated, truncated, _ = env.step(action)
    memory.append((state, action, reward, following, float(terminated or truncated)))
    state = env.reset()[0] if terminated or truncated else following
    if len(memory) < 64:
        continue
    states, actions, rewards, after, over = map(np.array, zip(*random.sample(memory, 64)))
    with torch.no_grad():
        best = target(torch.from_numpy(after)).max(dim=1).values
        wanted = torch.from_numpy(rewards).float() + 0.97 * best * torch.from_numpy(1 - over).float()
    value = online(torch.from_numpy(states)).gather(1, torch.from_numpy(actions)[:, None])[:, 0]
    loss = nn.functional.smooth_l1_loss(value, wanted)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 50 == 0:
        target.load_state_dict(online.state_dict())
        print(step, loss.item(), value.mean().item())
""",
    good="""\
import copy
import random
from collections import deque

import gymnasium as gym
import numpy as np
import torch
from torch import nn

random.seed(0)
torch.manual_seed(0)
env = gym.make("MountainCar-v0", max_episode_steps=40)
env.action_space.seed(0)
online = nn.Sequential(nn.Linear(2, 64), nn.ReLU(), nn.Linear(64, 3))
target = copy.deepcopy(online).requires_grad_(False)
optimizer = torch.optim.Adam(online.parameters(), lr=1e-3)
memory = deque(maxlen=5000)
state, _ = env.reset(seed=0)
for step in range(1500):
    if random.random() < max(0.1, 1 - step / 1000):
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
        wanted = torch.from_numpy(rewards).float() + 0.97 * best * torch.from_numpy(1 - over).float()
    value = online(torch.from_numpy(states)).gather(1, torch.from_numpy(actions)[:, None])[:, 0]
    loss = nn.functional.smooth_l1_loss(value, wanted)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 50 == 0:
        target.load_state_dict(online.state_dict())
        print(step, loss.item(), value.mean().item())
""",
    links=(
        "https://arxiv.org/abs/1712.00378",
        "https://gymnasium.farama.org/tutorials/gymnasium_basics/handling_time_limits/",
    ),
    explains=(),
    needs=("modules", "graph"),
    preview=True,
)
