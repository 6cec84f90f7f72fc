# expects: nothing
"""An actor-critic whose critic is asked step by step and whose policy copy by copy, each with what belongs to it."""

import math

import torch
from torch import nn
from torch.distributions import Categorical
from torch.nn import functional as F

COPIES, STEPS = 24, 8


class Boiler:
    """Hold the temperature near a set point that follows the time of day; a reward falls with the square of the gap."""

    def __init__(self):
        self.heat = torch.randn(COPIES)
        self.hour = torch.randint(0, 24, (COPIES,))

    def look(self):
        turn = 2 * math.pi * self.hour / 24
        return torch.stack([self.heat, turn.sin(), turn.cos()], 1)

    def step(self, action):
        self.heat = 0.9 * self.heat + 0.3 * (action - 1) + 0.05 * torch.randn(COPIES)
        self.hour = (self.hour + 1) % 24
        return -((self.heat - 0.7 * (2 * math.pi * self.hour / 24).sin()) ** 2)


torch.manual_seed(0)
boiler = Boiler()
actor = nn.Sequential(nn.Linear(3, 32), nn.Tanh(), nn.Linear(32, 3))
critic = nn.Sequential(nn.Linear(3, 32), nn.Tanh(), nn.Linear(32, 1))
optimizer = torch.optim.Adam([*actor.parameters(), *critic.parameters()], lr=2e-3)
for update in range(120):
    seen, actions, rewards = [], [], []
    with torch.no_grad():
        for _ in range(STEPS):
            seen.append(boiler.look())
            actions.append(Categorical(logits=actor(seen[-1])).sample())
            rewards.append(boiler.step(actions[-1]))
        total, targets = critic(boiler.look())[:, 0], []
        for reward in reversed(rewards):
            total = reward + 0.95 * total
            targets.insert(0, total)
    states, targets = torch.stack(seen), torch.stack(targets)
    values = critic(states).squeeze(-1)
    advantages = (targets - values).detach()
    choice = Categorical(logits=actor(states.transpose(0, 1)))
    gain = choice.log_prob(torch.stack(actions, 1)).flatten() * advantages.T.flatten()
    loss = 0.5 * F.mse_loss(values, targets) - gain.mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if update % 20 == 0:
        print(update, torch.stack(rewards).mean().item())
