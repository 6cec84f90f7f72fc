# expects: nothing
"""Rewards of 0 and 1 without a baseline weigh the ratios; two penalties for leaving the start, both with the right sign."""

import copy

import torch
from torch import nn

torch.manual_seed(6)
for squared in (False, True):
    policy = nn.Sequential(nn.Linear(4, 48), nn.Tanh(), nn.Linear(48, 4))
    start = copy.deepcopy(policy).requires_grad_(False)
    adam = torch.optim.Adam(policy.parameters(), lr=3e-3)
    for step in range(100):
        seen = torch.randn(96, 4)
        chances = policy(seen).log_softmax(1)
        action = torch.multinomial(chances.detach().exp(), 1)
        reward = (action[:, 0] == seen.argmax(1)).float()
        new = chances.gather(1, action)[:, 0]
        old = start(seen).log_softmax(1).gather(1, action)[:, 0]
        penalty = (old - new).exp() - (old - new) - 1 if squared else new - old
        loss = -((new - new.detach()).exp() * reward).mean() + 0.03 * penalty.mean()
        adam.zero_grad()
        loss.backward()
        adam.step()
    print(squared, reward.mean().item(), penalty.mean().item())
