# expects: nothing
"""A ferry learns to cross a river with a current; it is paid when it arrives, and fined when it drifts away."""

from __future__ import annotations

import random
from collections import deque

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

GAMMA = 0.97


class River:
    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)

    def reset(self) -> np.ndarray:
        self.across, self.along = 0, int(self.random.integers(-2, 3))
        return self.where()

    def where(self) -> np.ndarray:
        return np.array([self.across / 6, self.along / 4], dtype=np.float32)

    def step(self, action: int) -> tuple[np.ndarray, float, bool]:
        self.across += action == 0
        self.along += (action == 1) - (action == 2) + int(self.random.random() < 0.3)
        if self.across >= 6:
            return self.where(), 2.0 - 0.4 * abs(self.along), True
        if abs(self.along) > 4:
            return self.where(), -1.5, True
        return self.where(), -0.05, False


def main() -> None:
    random.seed(1)
    torch.manual_seed(1)
    river, memory = River(1), deque(maxlen=3000)
    net, slow = (nn.Sequential(nn.Linear(2, 48), nn.ReLU(), nn.Linear(48, 3)) for _ in range(2))
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    state, paid, returns = river.reset(), 0.0, []
    for step in range(2500):
        with torch.no_grad():
            values = net(torch.from_numpy(state)[None])
        action = random.randrange(3) if random.random() < 0.25 else int(values.argmax())
        after, reward, over = river.step(action)
        memory.append((state, action, reward, after, over))
        paid += reward
        state = after
        if over:
            returns.append(paid)
            state, paid = river.reset(), 0.0
        if step < 200 or step % 2:
            continue
        batch = random.sample(memory, 64)
        states, actions, rewards, later, ends = map(np.array, zip(*batch, strict=True))
        with torch.no_grad():
            best = slow(torch.from_numpy(later)).max(1).values.masked_fill(torch.from_numpy(ends), 0.0)
            goal = torch.from_numpy(rewards).float() + GAMMA * best
        chosen = net(torch.from_numpy(states)).gather(1, torch.from_numpy(actions)[:, None]).squeeze(1)
        loss = F.mse_loss(chosen, goal)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 100 == 0:
            slow.load_state_dict(net.state_dict())
            print(step, f"{loss.item():.4f} {np.mean(returns[-30:]):.3f}")


main()
