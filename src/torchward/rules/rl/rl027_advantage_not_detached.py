"""RL027: the advantage keeps its graph, so the policy's loss changes what the critic says."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

LEAST_SAMPLES = 3


def check(run: Run) -> Iterator[Finding]:
    for stream in run.streams:
        steps = stream.weighed_by_graph
        if len(steps) < LEAST_SAMPLES:
            continue
        yield Finding(
            "RL027",
            data={"samples": len(steps)},
            place=at(stream.site, stream.values.between(steps[0], steps[-1]), first=steps[0]),
            confidence=Confidence.LIKELY,
        )


RULE = Rule(
    code="RL027",
    name="advantage-not-detached",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "in {samples} samples the log-probabilities of the actions were multiplied with targets less values that still have "
        "their graph: the policy's loss trains the critic, too.",
        "在 {samples} 次采样中，动作的对数概率所乘的“目标减估值”仍带有计算图：策略的损失也在训练评论家（critic）。",
    ),
    why=Text(
        "The loss falls when the log-probabilities, which are negative, are multiplied with a smaller advantage, so the critic is "
        "taught to value everything higher or lower than it is, whatever the returns say. The policy gradient theorem takes the "
        "advantage for a number.",
        "对数概率是负数，乘上更小的优势会让损失下降，于是无论回报如何，评论家都会学着把一切估得偏高或偏低。策略梯度定理中优势只是一个数。",
    ),
    fix=Text(
        "Detach it: `advantage = (returns - values).detach()`, and train the critic by its own term, "
        "`mse_loss(values, returns)`.",
        "把它从计算图中分离：`advantage = (returns - values).detach()`，并用单独的一项 `mse_loss(values, returns)` 训练评论家。",
    ),
    bad="""\
import gymnasium as gym
import torch
import torch.nn.functional as F
from torch import nn
from torch.distributions import Categorical

torch.manual_seed(0)
env = gym.make("CartPole-v1", max_episode_steps=200)
actor = nn.Sequential(nn.Linear(4, 64), nn.ReLU(), nn.Linear(64, 2))
critic = nn.Sequential(nn.Linear(4, 64), nn.ReLU(), nn.Linear(64, 1))
optimizer = torch.optim.Adam([*actor.parameters(), *critic.parameters()], lr=3e-3)
for episode in range(80):
    state, _ = env.reset(seed=episode)
    states, actions, rewards, done = [], [], [], False
    while not done:
        states.append(torch.from_numpy(state))
        with torch.no_grad():
            actions.append(Categorical(logits=actor(states[-1])).sample())
        state, reward, terminated, truncated, _ = env.step(actions[-1].item())
        rewards.append(reward)
        done = terminated or truncated
    returns, total = [], 0.0
    for reward in reversed(rewards):
        total = reward + 0.99 * total
        returns.insert(0, total)
    states, actions, returns = torch.stack(states), torch.stack(actions), torch.tensor(returns) / 20
    values = critic(states).squeeze(1)
    advantage = returns - values
    log_prob = Categorical(logits=actor(states)).log_prob(actions)
    loss = -(log_prob * advantage).mean() + F.mse_loss(values, returns)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if episode % 10 == 0:
        print(episode, len(rewards))
""",
    good="""\
import gymnasium as gym
import torch
import torch.nn.functional as F
from torch import nn
from torch.distributions import Categorical

torch.manual_seed(0)
env = gym.make("CartPole-v1", max_episode_steps=200)
actor = nn.Sequential(nn.Linear(4, 64), nn.ReLU(), nn.Linear(64, 2))
critic = nn.Sequential(nn.Linear(4, 64), nn.ReLU(), nn.Linear(64, 1))
optimizer = torch.optim.Adam([*actor.parameters(), *critic.parameters()], lr=3e-3)
for episode in range(80):
    state, _ = env.reset(seed=episode)
    states, actions, rewards, done = [], [], [], False
    while not done:
        states.append(torch.from_numpy(state))
        with torch.no_grad():
            actions.append(Categorical(logits=actor(states[-1])).sample())
        state, reward, terminated, truncated, _ = env.step(actions[-1].item())
        rewards.append(reward)
        done = terminated or truncated
    returns, total = [], 0.0
    for reward in reversed(rewards):
        total = reward + 0.99 * total
        returns.insert(0, total)
    states, actions, returns = torch.stack(states), torch.stack(actions), torch.tensor(returns) / 20
    values = critic(states).squeeze(1)
    advantage = (returns - values).detach()
    log_prob = Categorical(logits=actor(states)).log_prob(actions)
    loss = -(log_prob * advantage).mean() + F.mse_loss(values, returns)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if episode % 10 == 0:
        print(episode, len(rewards))
""",
    links=(
        "https://spinningup.openai.com/en/latest/spinningup/rl_intro3.html",
        "https://proceedings.mlr.press/v48/mniha16.html",
    ),
    explains=("RL003", "RL012", "TRN*"),
    needs=("loss", "graph"),
    preview=True,
)
