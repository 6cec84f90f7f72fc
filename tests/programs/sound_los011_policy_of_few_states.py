# expects: nothing
"""A stored policy over few states is imitated by the reverse divergence; its rows have values of their own.

Then the same net is kept from being too sure, by the divergence from equal shares beside its own loss.
"""

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(1)
STATES, ACTIONS = 12, 5
stored = F.log_softmax(2 * torch.randn(STATES, ACTIONS), dim=1)
policy = nn.Sequential(nn.Embedding(STATES, 16), nn.Tanh(), nn.Linear(16, ACTIONS))
optimizer = torch.optim.Adam(policy.parameters(), lr=5e-3)
for step in range(300):
    states = torch.randint(STATES, (64,))
    own = F.log_softmax(policy(states), dim=1)
    loss = F.kl_div(stored[states], own, reduction="batchmean", log_target=True)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(loss.item())

even = torch.full((64, ACTIONS), 1 / ACTIONS).log()
for step in range(200):
    states = torch.randint(STATES, (64,))
    scores = policy(states)
    chosen = torch.distributions.Categorical(logits=stored[states]).sample()
    loss = F.cross_entropy(scores, chosen)
    loss = loss + 0.01 * F.kl_div(even, F.log_softmax(scores, dim=1), reduction="batchmean", log_target=True)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(loss.item())
