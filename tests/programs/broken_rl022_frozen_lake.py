# expects: RL022
"""A lake with holes, each step costs a little: places as one-hot rows, one network for both values."""

import random

import gymnasium as gym
import torch
import torch.nn.functional as F
from torch import nn

random.seed(1)
torch.manual_seed(1)
env = gym.make("FrozenLake-v1", is_slippery=True)
env.action_space.seed(1)
values = nn.Sequential(nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, 4))
adam = torch.optim.Adam(values.parameters(), lr=1e-3)
rows = F.one_hot(torch.arange(16), 16).float()
seen = []
place, _ = env.reset(seed=1)
for step in range(1600):
    greedy = random.random() > 0.5
    with torch.no_grad():
        move = int(values(rows[place : place + 1]).argmax()) if greedy else env.action_space.sample()
    to, prize, done, late, _ = env.step(move)
    seen.append((place, move, prize - 0.1, to))
    place = env.reset()[0] if done or late else to
    if step < 100:
        continue
    batch = random.choices(seen, k=48)
    at = torch.tensor([one[0] for one in batch])
    moves = torch.tensor([one[1] for one in batch])
    prizes = torch.tensor([one[2] for one in batch])
    towards = torch.tensor([one[3] for one in batch])
    best, _ = values(rows[towards]).max(1)
    goal = prizes + 0.9 * best.detach()
    loss = F.mse_loss(values(rows[at]).gather(1, moves.view(-1, 1)), goal.view(-1, 1))
    adam.zero_grad()
    loss.backward()
    adam.step()
print(loss.item())
