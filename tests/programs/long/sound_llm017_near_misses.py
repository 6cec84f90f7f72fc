# expects: nothing
"""Penalties with the right sign in four ways of writing, and a bonus whose sign is negative for good reasons."""

import copy

import torch
from torch import nn
from torch.distributions import Categorical, kl_divergence

torch.manual_seed(5)
WAYS = ("exponential", "square", "all", "library")
for way in WAYS:
    policy = nn.Sequential(nn.Linear(6, 48), nn.Tanh(), nn.Linear(48, 6))
    frozen = copy.deepcopy(policy)
    adam = torch.optim.Adam(policy.parameters(), lr=3e-3)
    for step in range(60):
        seen = torch.randn(96, 6)
        now, before = Categorical(logits=policy(seen)), Categorical(logits=frozen(seen).detach())
        action = now.sample()
        reward = (action == seen.argmax(1)).float()
        advantage = (reward - reward.mean()) / (reward.std() + 1e-6)
        new, old = now.log_prob(action), before.log_prob(action)
        mask = (torch.rand(96) < 0.9).float()
        if way == "exponential":
            penalty = (old - new).exp() - 1 - (old - new)
        elif way == "square":
            penalty = 0.5 * (old - new).square()
        elif way == "all":
            penalty = (now.probs * (now.logits - before.logits)).sum(-1)
        else:
            penalty = kl_divergence(now, before)
        objective = (new - new.detach()).exp() * advantage - 0.05 * penalty + 0.01 * now.entropy()
        loss = -(objective * mask).sum() / mask.sum()
        adam.zero_grad()
        loss.backward()
        adam.step()
    print(way, reward.mean().item(), penalty.mean().item())
