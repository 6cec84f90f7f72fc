# expects: NUM001
"""Contrastive training on pairwise distances; the distance of a code to itself is 0, where the root has no slope."""

import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(1000, 8)
kind = (x[:, 0] > 0).long() + 2 * (x[:, 1] > 0).long()
encoder = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 4))
optimizer = torch.optim.Adam(encoder.parameters(), lr=2e-3)


def contrastive(codes, labels, margin=1.0):
    gap = ((codes[:, None] - codes[None]) ** 2).sum(-1).sqrt()
    same = (labels[:, None] == labels[None]).float()
    return (same * gap**2 + (1 - same) * (margin - gap).clamp(min=0) ** 2).mean()


for step in range(200):
    rows = torch.randint(0, 1000, (32,))
    loss = contrastive(encoder(x[rows]), kind[rows])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 50 == 0:
        print(step, loss.item())
