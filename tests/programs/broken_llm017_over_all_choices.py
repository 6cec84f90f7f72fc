# expects: LLM017
"""A policy that was taught by examples goes on with rewards; the divergence from what it was is subtracted."""

import copy

import torch
from torch import nn
from torch.distributions import Categorical, kl_divergence

torch.manual_seed(3)
policy = nn.Sequential(nn.Linear(6, 48), nn.Tanh(), nn.Linear(48, 6))
adam = torch.optim.Adam(policy.parameters(), lr=2e-3)
for _ in range(60):
    seen = torch.randn(64, 6)
    loss = nn.functional.cross_entropy(policy(seen), seen.argmax(1))
    adam.zero_grad()
    loss.backward()
    adam.step()
taught = copy.deepcopy(policy)
for step in range(100):
    seen = torch.randn(96, 6)
    now = Categorical(logits=policy(seen))
    with torch.no_grad():
        before = Categorical(logits=taught(seen))
    action = now.sample()
    reward = (action == seen.argmin(1)).float() + (action == seen.argmax(1)).float()
    advantage = (reward - reward.mean()) / (reward.std() + 1e-6)
    loss = -(now.log_prob(action) * advantage).mean() - 0.05 * kl_divergence(now, before).mean()
    adam.zero_grad()
    loss.backward()
    adam.step()
print(reward.mean().item(), loss.item())
