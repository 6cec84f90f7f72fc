# expects: RL023
"""Double Q-learning with a soft target and the old four-value interface; hardly an episode ends but by the limit."""

import copy
import random

import gymnasium
import torch
from torch import nn

random.seed(2)
torch.manual_seed(2)


class OldInterface(gymnasium.Wrapper):
    def reset(self, seed=None):
        return torch.from_numpy(self.env.reset(seed=seed)[0])

    def step(self, action):
        after, reward, terminated, truncated, info = self.env.step(action)
        return torch.from_numpy(after), reward, terminated or truncated, info


env = OldInterface(gymnasium.make("Acrobot-v1", max_episode_steps=50))
net = nn.Sequential(nn.Linear(6, 64), nn.ReLU(), nn.Linear(64, 3))
slow = copy.deepcopy(net).requires_grad_(False)
optimizer = torch.optim.RMSprop(net.parameters(), lr=3e-4)
replay, state = [], env.reset(seed=2)
for step in range(1600):
    with torch.no_grad():
        explore = random.random() < max(0.1, 0.998**step)
        action = random.randrange(3) if explore else int(net(state.unsqueeze(0)).argmax(1))
    after, reward, done, _ = env.step(action)
    replay.append((state, torch.tensor(action), torch.tensor(reward), after, torch.tensor(float(done))))
    state = env.reset() if done else after
    if step < 100:
        continue
    states, actions, rewards, nexts, dones = map(torch.stack, zip(*random.sample(replay, 48)))
    chosen = net(nexts).argmax(1, keepdim=True)
    wanted = rewards + 0.95 * (1 - dones) * slow(nexts).gather(1, chosen).squeeze(1)
    value = net(states).gather(1, actions.unsqueeze(1)).squeeze(1)
    loss = (value - wanted.detach()).pow(2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    with torch.no_grad():
        for kept, new in zip(slow.parameters(), net.parameters()):
            kept.lerp_(new, 0.02)
print(loss.item(), value.mean().item())
