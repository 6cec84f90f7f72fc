"""RL029: the next states of a Q-learner's targets are the very states whose values it trains."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

STEPS = 4
"""Sampled steps in which that must have been so ..."""
SHARE = 0.9
"""... and share of those in which targets were made out. A batch has 32 rows or more: that no step in any of them leads
to another state, while the states differ, does not happen in an environment that is acted in."""


def check(run: Run) -> Iterator[Finding]:
    for found in run.bootstraps:
        if found.still >= max(STEPS, SHARE * len(found.steps)):
            yield Finding(
                "RL029",
                data={"still": found.still, "steps": len(found.steps)},
                place=at(found.site, found.steps),
                confidence=Confidence.LIKELY,
            )


RULE = Rule(
    code="RL029",
    name="next-state-is-the-state",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "The targets of the values are made with values of the very states that they are targets of: in {still} of {steps} "
        "steps looked at, each next state in the batch was equal to its state.",
        "价值的目标是用同一批状态自身的价值算出来的：在查看的 {steps} 步中有 {still} 步，批次里的每个下一状态都等于其状态。",
    ),
    why=Text(
        "A transition must lead from one state to the next. With both the same, no value flows back from later rewards, and "
        "the values say nothing of what an action leads to.",
        "一个转移必须从一个状态通向下一个状态。若两者相同，后面的奖励就无法向前传递，价值也就不反映动作会带来什么。",
    ),
    fix=Text(
        "Store the transition before `state = next_state`, look for a name that is written twice, and let the environment "
        "return copies: one that changes its state array in place changes what was stored, or is about to be.",
        "在 `state = next_state` 之前存储转移，检查是否有变量名写了两次，并让环境返回副本：原地修改状态数组的环境会改变已存储或即将存储的内容。",
    ),
    bad="""\
import random
from collections import deque

import numpy as np
import torch
from torch import nn


class Cart:
    def reset(self):
        self.state = np.random.uniform(-1, 1, 2).astype(np.float32)
        return self.state.copy()

    def step(self, action):
        self.state[1] += 0.1 * (action - 1) + 0.1 * self.state[0] + 0.02 * np.random.randn()
        self.state[0] += 0.1 * self.state[1]
        over = bool(abs(self.state[0]) > 2)
        reward = 1.0 if abs(self.state[0]) < 0.3 else 0.0
        return self.state.copy(), reward, over, False


random.seed(0)
np.random.seed(0)
torch.manual_seed(0)
env, memory = Cart(), deque(maxlen=2000)
value = nn.Sequential(nn.Linear(2, 32), nn.ReLU(), nn.Linear(32, 3))
target = nn.Sequential(nn.Linear(2, 32), nn.ReLU(), nn.Linear(32, 3))
target.load_state_dict(value.state_dict())
optimizer = torch.optim.Adam(value.parameters(), lr=1e-3)
state = env.reset()
for step in range(1500):
    if random.random() < max(0.1, 1 - step / 800):
        action = random.randrange(3)
    else:
        with torch.no_grad():
            action = int(value(torch.from_numpy(state)).argmax())
    after, reward, ended, limited = env.step(action)
    state = after
    memory.append((state, action, reward, after, ended))
    if ended or limited:
        state = env.reset()
    if len(memory) < 100:
        continue
    s, a, r, s2, d = zip(*random.sample(memory, 32), strict=True)
    with torch.no_grad():
        best = target(torch.tensor(np.stack(s2))).max(1).values
        wanted = torch.tensor(r) + 0.95 * best * (1 - torch.tensor(d, dtype=torch.float32))
    chosen = value(torch.tensor(np.stack(s))).gather(1, torch.tensor(a)[:, None])[:, 0]
    loss = nn.functional.mse_loss(chosen, wanted)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 100 == 0:
        target.load_state_dict(value.state_dict())
        print(step, loss.item())
""",
    good="""\
import random
from collections import deque

import numpy as np
import torch
from torch import nn


class Cart:
    def reset(self):
        self.state = np.random.uniform(-1, 1, 2).astype(np.float32)
        return self.state.copy()

    def step(self, action):
        self.state[1] += 0.1 * (action - 1) + 0.1 * self.state[0] + 0.02 * np.random.randn()
        self.state[0] += 0.1 * self.state[1]
        over = bool(abs(self.state[0]) > 2)
        reward = 1.0 if abs(self.state[0]) < 0.3 else 0.0
        return self.state.copy(), reward, over, False


random.seed(0)
np.random.seed(0)
torch.manual_seed(0)
env, memory = Cart(), deque(maxlen=2000)
value = nn.Sequential(nn.Linear(2, 32), nn.ReLU(), nn.Linear(32, 3))
target = nn.Sequential(nn.Linear(2, 32), nn.ReLU(), nn.Linear(32, 3))
target.load_state_dict(value.state_dict())
optimizer = torch.optim.Adam(value.parameters(), lr=1e-3)
state = env.reset()
for step in range(1500):
    if random.random() < max(0.1, 1 - step / 800):
        action = random.randrange(3)
    else:
        with torch.no_grad():
            action = int(value(torch.from_numpy(state)).argmax())
    after, reward, ended, limited = env.step(action)
    memory.append((state, action, reward, after, ended))
    state = env.reset() if ended or limited else after
    if len(memory) < 100:
        continue
    s, a, r, s2, d = zip(*random.sample(memory, 32), strict=True)
    with torch.no_grad():
        best = target(torch.tensor(np.stack(s2))).max(1).values
        wanted = torch.tensor(r) + 0.95 * best * (1 - torch.tensor(d, dtype=torch.float32))
    chosen = value(torch.tensor(np.stack(s))).gather(1, torch.tensor(a)[:, None])[:, 0]
    loss = nn.functional.mse_loss(chosen, wanted)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 100 == 0:
        target.load_state_dict(value.state_dict())
        print(step, loss.item())
""",
    links=("https://docs.pytorch.org/tutorials/intermediate/reinforcement_q_learning.html",),
    explains=("RL003", "RL004", "RL006", "RL012", "TRN*", "LOS007", "OPT007", "NUM002"),
    needs=("modules", "graph"),
    preview=True,
)
