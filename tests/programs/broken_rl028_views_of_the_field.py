# expects: RL028
"""Each episode's views of the field are kept for a policy gradient; a walker moves on in the field itself."""

import numpy as np
import torch
from torch import nn


class Field:
    def __init__(self, seed):
        self.draw = np.random.default_rng(seed)
        self.cells = np.zeros((3, 6), dtype=np.float32)

    def begin(self):
        self.cells[:] = 0
        self.cells[1, self.draw.integers(1, 5)] = 1
        self.time = 0
        return {"field": self.cells.reshape(-1)}

    def step(self, move):
        place = int(self.cells[1].argmax())
        self.cells[1, place] = 0
        place = min(5, max(0, place + (1 if move else -1) * int(self.draw.random() < 0.9)))
        self.cells[1, place] = 1
        self.cells[0] *= 0.8
        self.cells[0, place] += 1
        self.time += 1
        reward = 1.0 if place in (2, 3) else 0.0
        return {"field": self.cells.reshape(-1)}, reward, self.time >= 20, {}


torch.manual_seed(0)
field = Field(0)
policy = nn.Sequential(nn.Linear(18, 32), nn.Tanh(), nn.Linear(32, 2))
optimizer = torch.optim.Adam(policy.parameters(), lr=5e-3)
for episode in range(120):
    seen, moves, rewards, over = [], [], [], False
    view = field.begin()["field"]
    while not over:
        with torch.no_grad():
            move = torch.distributions.Categorical(logits=policy(torch.from_numpy(view))).sample().item()
        seen.append(view)
        moves.append(move)
        after, reward, over, _ = field.step(move)
        rewards.append(reward)
        view = after["field"]
    left = torch.tensor(rewards).flip(0).cumsum(0).flip(0)
    chances = torch.distributions.Categorical(logits=policy(torch.from_numpy(np.stack(seen))))
    loss = -(chances.log_prob(torch.tensor(moves)) * (left - left.mean())).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if episode % 20 == 0:
        print(episode, sum(rewards))
