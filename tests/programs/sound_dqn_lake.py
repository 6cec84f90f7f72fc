# expects: nothing
"""A lake with holes, rewarded at the goal alone: values are small, and nothing is added where an episode is over."""

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
    with torch.no_grad():
        move = int(values(rows[place : place + 1]).argmax()) if random.random() > 0.5 else env.action_space.sample()
    to, prize, done, late, _ = env.step(move)
    seen.append((place, move, prize, to, not done))
    place = env.reset()[0] if done or late else to
    if step < 100:
        continue
    at, moves, prizes, towards, goes_on = map(torch.tensor, zip(*random.choices(seen, k=48)))
    best = values(rows[towards]).max(1).values.detach()
    goal = prizes.float() + 0.9 * best * goes_on
    loss = F.mse_loss(values(rows[at]).gather(1, moves.view(-1, 1)), goal.view(-1, 1))
    adam.zero_grad()
    loss.backward()
    adam.step()
print(loss.item())
