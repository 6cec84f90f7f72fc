# expects: nothing
"""A frozen random network of the same shape is what the trained one is to imitate."""

import torch
from torch import nn

torch.manual_seed(0)


def build():
    return nn.Sequential(nn.Linear(6, 64), nn.ReLU(), nn.Linear(64, 16))


goal, predictor = build().requires_grad_(False), build()
optimizer = torch.optim.Adam(predictor.parameters(), lr=1e-3)
for step in range(400):
    seen = torch.randn(64, 6)
    novelty = nn.functional.mse_loss(predictor(seen), goal(seen))
    optimizer.zero_grad()
    novelty.backward()
    optimizer.step()
print(novelty.item())
