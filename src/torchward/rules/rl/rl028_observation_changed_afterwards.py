"""RL028: an environment goes on changing the very array that it returned, and the program holds it as what was seen."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at


def check(run: Run) -> Iterator[Finding]:
    # Of one that is wrapped in another, the program's own is named.
    held = max(run.held_observations, key=lambda one: (one.site is not None, one.held), default=None)
    if held is not None:
        yield Finding(
            "RL028",
            data={"environment": held.name, "steps": held.steps, "held": held.held},
            place=at(held.site),
            confidence=Confidence.LIKELY,
        )


RULE = Rule(
    code="RL028",
    name="observation-changed-afterwards",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "`{environment}` changes in place what it returned before: of the observations of {steps} steps in a row, {held} are "
        "still held, as what was seen then, and hold other values by now.",
        "`{environment}` 会原地修改它之前返回的观测：连续 {steps} 步的观测中，有 {held} 个仍被程序当作当时的观测保存着，但其中的值已经变了。",
    ),
    why=Text(
        "The environment returns its own state, not a copy of it. Every transition in the replay buffer or rollout then names "
        "one and the same array: state and next state are equal, and both are the latest state, not the one acted in.",
        "环境返回的是它自己的状态数组，而不是副本。于是回放缓冲区或轨迹里的每个转移都指向同一个数组："
        "状态与下一状态相同，而且都是最新的状态，而不是当时做出动作的那个状态。",
    ),
    fix=Text(
        "Return a copy in `step` and in `reset`: `return self.state.copy(), ...` (torch: `.clone()`), or make the state anew "
        "(`self.state = self.state + change`) in place of `+=` and `self.state[i] = ...`.",
        "在 `step` 和 `reset` 中返回副本：`return self.state.copy(), ...`（torch 用 `.clone()`），"
        "或者重新生成状态（`self.state = self.state + change`），而不是用 `+=` 和 `self.state[i] = ...`。",
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
        self.steps = 0
        return self.state

    def step(self, action):
        self.state[1] += 0.1 * (action - 1) + 0.02 * np.random.randn()
        self.state[0] += 0.1 * self.state[1]
        self.steps += 1
        over = bool(abs(self.state[0]) > 2)
        reward = 1.0 - abs(float(self.state[0]))
        return self.state, reward, over, self.steps >= 50


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
    good="""\
import random
from collections import deque

import numpy as np
import torch
from torch import nn


class Cart:
    def reset(self):
        self.state = np.random.uniform(-1, 1, 2).astype(np.float32)
        self.steps = 0
        return self.state.copy()

    def step(self, action):
        self.state[1] += 0.1 * (action - 1) + 0.02 * np.random.randn()
        self.state[0] += 0.1 * self.state[1]
        self.steps += 1
        over = bool(abs(self.state[0]) > 2)
        reward = 1.0 - abs(float(self.state[0]))
        return self.state.copy(), reward, over, self.steps >= 50


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
    links=(
        "https://gymnasium.farama.org/introduction/create_custom_env/",
        "https://numpy.org/doc/stable/user/basics.copies.html",
    ),
    explains=("RL*", "TRN*", "LOS007", "OPT007", "NUM002"),
    needs=("modules",),
    preview=True,
)
