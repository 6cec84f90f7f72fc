# expects: nothing
"""Epsilon falls with each episode; only the last part of the run is greedy."""

import random
from collections import deque

import torch
from torch import nn
from torch.nn import functional as F

SIDE, LIMIT = 6, 40
MOVES = ((0, 1), (1, 0), (0, -1), (-1, 0))


class Warehouse:
    """A robot starts in one corner and is paid in the other."""

    def observe(self):
        state = torch.zeros(2 * SIDE)
        state[self.x] = state[SIDE + self.y] = 1.0
        return state

    def reset(self):
        self.x = self.y = self.time = 0
        return self.observe()

    def step(self, action):
        dx, dy = MOVES[action]
        self.x, self.y = min(max(self.x + dx, 0), SIDE - 1), min(max(self.y + dy, 0), SIDE - 1)
        self.time += 1
        there = self.x == self.y == SIDE - 1
        return self.observe(), float(there), there, self.time >= LIMIT


torch.manual_seed(1)
random.seed(1)
online, slow = (nn.Sequential(nn.Linear(2 * SIDE, 48), nn.Tanh(), nn.Linear(48, 4)) for _ in range(2))
slow.load_state_dict(online.state_dict())
optimizer = torch.optim.Adam(online.parameters(), lr=1e-3)
memory = deque(maxlen=5000)
epsilon = 1.0
world = Warehouse()
for episode in range(100):
    epsilon = max(0.05, 0.96 * epsilon)
    state, total, over = world.reset(), 0.0, False
    while not over:
        if random.random() < epsilon:
            action = random.randrange(4)
        else:
            with torch.no_grad():
                action = online(state).argmax().item()
        following, reward, there, late = world.step(action)
        memory.append((state, action, reward, following, float(there)))
        state, total, over = following, total + reward, there or late
        if len(memory) < 150:
            continue
        now, chosen, paid, after, ended = zip(*random.sample(memory, 32))
        chosen, paid, ended = torch.tensor(chosen), torch.tensor(paid), torch.tensor(ended)
        with torch.no_grad():
            best = online(torch.stack(after)).argmax(1, keepdim=True)
            wanted = paid + 0.95 * (1 - ended) * slow(torch.stack(after)).gather(1, best).squeeze(1)
        loss = F.mse_loss(online(torch.stack(now)).gather(1, chosen.unsqueeze(1)).squeeze(1), wanted)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            for mine, other in zip(slow.parameters(), online.parameters()):
                mine.lerp_(other, 0.02)
    if episode % 20 == 19:
        print(f"episode {episode + 1}: return {total:.1f}, epsilon {epsilon:.2f}")
