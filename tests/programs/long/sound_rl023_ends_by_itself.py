# expects: nothing
"""A shop that closes after twenty customers, which the state tells: that is an end, not a limit of time."""

import copy
import random

import gymnasium as gym
import numpy as np
import torch
from torch import nn

random.seed(3)
torch.manual_seed(3)
np.random.seed(3)


class Shop(gym.Env):
    observation_space = gym.spaces.Box(0, 1, (2,), np.float32)
    action_space = gym.spaces.Discrete(2)

    def reset(self, seed=None, options=None):
        self.served, self.stock = 0, 1.0
        return self.look(), {}

    def look(self):
        return np.array([self.served / 20, self.stock], np.float32)

    def step(self, action):
        self.served += 1
        sold = action == 1 and self.stock > np.random.rand()
        self.stock = max(0.0, self.stock - 0.1) if sold else min(1.0, self.stock + 0.05)
        return self.look(), float(sold), self.served == 20, False, {}


gym.register("Shop-v0", Shop, max_episode_steps=200)
env = gym.make("Shop-v0")
net = nn.Sequential(nn.Linear(2, 48), nn.ReLU(), nn.Linear(48, 2))
slow = copy.deepcopy(net).requires_grad_(False)
optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
replay, (state, _) = [], env.reset(seed=3)
for step in range(1500):
    with torch.no_grad():
        action = random.randrange(2) if random.random() < 0.2 else int(net(torch.from_numpy(state)).argmax())
    after, reward, terminated, truncated, _ = env.step(action)
    replay.append((state, action, reward, after, float(terminated)))
    state = env.reset()[0] if terminated or truncated else after
    if step < 100:
        continue
    states, actions, rewards, nexts, ends = (
        torch.from_numpy(np.array(part)) for part in zip(*random.sample(replay, 48))
    )
    with torch.no_grad():
        wanted = rewards.float() + 0.95 * (1 - ends.float()) * slow(nexts).max(1).values
    loss = nn.functional.smooth_l1_loss(net(states).gather(1, actions[:, None]).squeeze(1), wanted)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 40 == 0:
        slow.load_state_dict(net.state_dict())
print(loss.item())
