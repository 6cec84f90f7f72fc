# expects: nothing
"""Tuning with a frozen copy as the reference: it is meant to stay where it was."""

import copy

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)
policy = nn.Sequential(nn.Linear(8, 48), nn.Tanh(), nn.Linear(48, 6))
reference = copy.deepcopy(policy).eval().requires_grad_(False)
optimizer = torch.optim.Adam(policy.parameters(), lr=1e-3)
good = torch.randn(8, 6)
for step in range(400):
    state = torch.randn(64, 8)
    choice = torch.distributions.Categorical(logits=policy(state))
    action = choice.sample()
    reward = (state @ good).gather(1, action[:, None]).squeeze(1)
    with torch.no_grad():
        old = F.log_softmax(reference(state), dim=1)
    kept = F.kl_div(old, F.log_softmax(policy(state), dim=1), log_target=True, reduction="batchmean")
    loss = -(choice.log_prob(action) * (reward - reward.mean())).mean() + 0.1 * kept
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(reward.mean().item())
