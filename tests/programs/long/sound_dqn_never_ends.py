# expects: nothing
"""Q-learning where no episode ends but by the limit of time: the value of the next state belongs to every target."""

import copy
import random
from collections import deque

import gymnasium as gym
import numpy as np
import torch
from torch import nn

random.seed(0)
torch.manual_seed(0)
env = gym.make("Pendulum-v1", max_episode_steps=40)
pushes = [-2.0, 0.0, 2.0]
online = nn.Sequential(nn.Linear(3, 64), nn.ReLU(), nn.Linear(64, 3))
target = copy.deepcopy(online)
optimizer = torch.optim.Adam(online.parameters(), lr=1e-3)
memory = deque(maxlen=3000)
state, _ = env.reset(seed=0)
for step in range(1500):
    if random.random() < max(0.1, 1 - step / 1000):
        action = random.randrange(3)
    else:
        with torch.no_grad():
            action = online(torch.from_numpy(state)[None]).argmax().item()
    following, reward, terminated, truncated, _ = env.step(np.array([pushes[action]]))
    upright = 1.0 if following[0] > 0.5 else 0.0
    memory.append((state, action, upright, following, terminated))
    state = env.reset()[0] if terminated or truncated else following
    if len(memory) < 64:
        continue
    states, actions, rewards, after, over = map(np.array, zip(*random.sample(memory, 64)))
    with torch.no_grad():
        best = target(torch.from_numpy(after)).max(dim=1).values
        wanted = torch.from_numpy(rewards).float() + 0.95 * best * torch.from_numpy(~over).float()
    value = online(torch.from_numpy(states)).gather(1, torch.from_numpy(actions)[:, None])[:, 0]
    loss = nn.functional.mse_loss(value, wanted)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 100 == 0:
        target.load_state_dict(online.state_dict())
print(loss.item(), value.mean().item())
