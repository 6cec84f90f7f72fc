# expects: RL029
"""The world writes each step into one array; the memory copies it twice after the step, as state and as next state."""

import numpy as np
import torch
from torch import nn


class Lift:
    """A lift of nine floors is to stand where somebody waits."""

    def __init__(self, seed):
        self.draw = np.random.default_rng(seed)
        self.view = np.zeros(3, dtype=np.float32)

    def reset(self):
        self.view[:] = self.draw.integers(0, 9), self.draw.integers(0, 9), 0
        return self.view, {}

    def step(self, move):
        self.view[0] = np.clip(self.view[0] + move - 1, 0, 8)
        self.view[2] += 0.05
        there = bool(self.view[0] == self.view[1] and move == 1)
        return self.view, 1.0 if there else -0.1, there, False, {}


class Memory:
    def __init__(self, size):
        self.before, self.after = np.zeros((2, size, 3), dtype=np.float32)
        self.moves, self.paid, self.over = np.zeros(size, dtype=int), np.zeros(size), np.zeros(size)
        self.at = self.held = 0

    def add(self, before, move, paid, after, over):
        self.before[self.at], self.after[self.at] = before, after
        self.moves[self.at], self.paid[self.at], self.over[self.at] = move, paid, over
        self.at = (self.at + 1) % len(self.moves)
        self.held = min(self.held + 1, len(self.moves))

    def sample(self, count):
        rows = np.random.randint(0, self.held, count)
        columns = (self.before, self.moves, self.paid, self.after, self.over)
        return [torch.as_tensor(column[rows]) for column in columns]


torch.manual_seed(1)
np.random.seed(1)
lift, memory = Lift(1), Memory(5_000)
online, slow = (nn.Sequential(nn.Linear(3, 64), nn.ReLU(), nn.Linear(64, 3)) for _ in range(2))
slow.load_state_dict(online.state_dict())
optimizer = torch.optim.Adam(online.parameters(), lr=1e-3)
seen, _ = lift.reset()
for step in range(1, 2_401):
    with torch.no_grad():
        best = int(online(torch.as_tensor(seen)[None]).argmax())
    move = np.random.randint(3) if np.random.rand() < max(0.1, 1 - step / 1_500) else best
    then, paid, over, _, _ = lift.step(move)
    memory.add(seen, move, paid, then, over)
    seen = lift.reset()[0] if over else then
    if step < 200:
        continue
    before, moves, got, after, ended = memory.sample(64)
    with torch.no_grad():
        chosen = online(after).argmax(1, keepdim=True)
        wanted = got.float() + 0.95 * slow(after).gather(1, chosen)[:, 0] * (1 - ended.float())
    value = online(before).gather(1, moves[:, None])[:, 0]
    loss = nn.functional.smooth_l1_loss(value, wanted)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 150 == 0:
        slow.load_state_dict(online.state_dict())
        print(step, round(loss.item(), 4))
