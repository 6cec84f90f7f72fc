"""RL030: the targets of the last steps of episodes are 0, though these steps had rewards."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

ROWS, STEPS = 12, 4
"""Targets that are exactly 0, and sampled steps with such, at least."""
NEARLY = 0.8
"""Share of the rows that are not a reward plus a later value that these are."""


def check(run: Run) -> Iterator[Finding]:
    for found in run.bootstraps:
        if found.wiped >= ROWS and found.wiped_steps >= STEPS and found.wiped >= NEARLY * found.others:
            yield Finding(
                "RL030",
                data={"wiped": found.wiped, "rows": found.rows, "steps": found.wiped_steps},
                place=at(found.site, found.steps),
                confidence=Confidence.LIKELY,
            )
            return


RULE = Rule(
    code="RL030",
    name="last-rewards-wiped-out",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "{wiped} of {rows} targets looked at are exactly 0, in {steps} steps, while every episode that ended "
        "had a reward in its last step.",
        "查看的 {rows} 个目标中有 {wiped} 个恰好为 0（出现在 {steps} 步中），而每个结束的回合在最后一步都有奖励。",
    ),
    why=Text(
        "`(reward + gamma * next_value) * (1 - done)` takes the reward of the last step away together with "
        "the value of what comes after it. Often that is the only reward that matters: the agent is never "
        "told that it won or lost.",
        "`(reward + gamma * next_value) * (1 - done)` 把最后一步的奖励和其后的价值一起去掉了。而这往往是唯一"
        "重要的奖励：智能体永远不知道自己赢了还是输了。",
    ),
    fix=Text(
        "Mask the next value only: `reward + gamma * next_value * (1 - done)`.",
        "只屏蔽下一状态的价值：`reward + gamma * next_value * (1 - done)`。",
    ),
    bad="""\
import random

import torch
from torch import nn


class Line:
    def reset(self):
        self.place, self.steps = 4, 0
        return self.seen()

    def seen(self):
        return nn.functional.one_hot(torch.tensor(self.place), 9).float()

    def step(self, action):
        self.place += 1 if action else -1
        self.steps += 1
        over = self.place in (0, 8)
        return self.seen(), (1.0 if self.place == 8 else -1.0) if over else -0.02, over


random.seed(0)
torch.manual_seed(0)
env, memory = Line(), []
net, target = (nn.Sequential(nn.Linear(9, 32), nn.ReLU(), nn.Linear(32, 2)) for _ in range(2))
optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
state = env.reset()
for step in range(1500):
    action = random.randrange(2) if random.random() < 0.3 else int(net(state).argmax())
    after, reward, over = env.step(action)
    memory.append((state, action, reward, after, float(over)))
    state = env.reset() if over else after
    if step < 100:
        continue
    batch = random.sample(memory, 48)
    states, actions, rewards, later, ends = (list(part) for part in zip(*batch))
    with torch.no_grad():
        best = target(torch.stack(later)).amax(1)
        goal = (torch.tensor(rewards) + 0.95 * best) * (1 - torch.tensor(ends))
    values = net(torch.stack(states)).gather(1, torch.tensor(actions)[:, None])[:, 0]
    loss = nn.functional.smooth_l1_loss(values, goal)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 50 == 0:
        target.load_state_dict(net.state_dict())
print(loss.item())
""",
    good="""\
import random

import torch
from torch import nn


class Line:
    def reset(self):
        self.place, self.steps = 4, 0
        return self.seen()

    def seen(self):
        return nn.functional.one_hot(torch.tensor(self.place), 9).float()

    def step(self, action):
        self.place += 1 if action else -1
        self.steps += 1
        over = self.place in (0, 8)
        return self.seen(), (1.0 if self.place == 8 else -1.0) if over else -0.02, over


random.seed(0)
torch.manual_seed(0)
env, memory = Line(), []
net, target = (nn.Sequential(nn.Linear(9, 32), nn.ReLU(), nn.Linear(32, 2)) for _ in range(2))
optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
state = env.reset()
for step in range(1500):
    action = random.randrange(2) if random.random() < 0.3 else int(net(state).argmax())
    after, reward, over = env.step(action)
    memory.append((state, action, reward, after, float(over)))
    state = env.reset() if over else after
    if step < 100:
        continue
    batch = random.sample(memory, 48)
    states, actions, rewards, later, ends = (list(part) for part in zip(*batch))
    with torch.no_grad():
        best = target(torch.stack(later)).amax(1)
        goal = torch.tensor(rewards) + 0.95 * best * (1 - torch.tensor(ends))
    values = net(torch.stack(states)).gather(1, torch.tensor(actions)[:, None])[:, 0]
    loss = nn.functional.smooth_l1_loss(values, goal)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 50 == 0:
        target.load_state_dict(net.state_dict())
print(loss.item())
""",
    links=("https://docs.pytorch.org/tutorials/intermediate/reinforcement_q_learning.html",),
    explains=("RL012", "RL022", "RL005"),
    needs=("loss",),
    preview=True,
)
