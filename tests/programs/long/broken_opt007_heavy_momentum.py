# expects: OPT007
"""Rings told apart by a network of tanh; the momentum was raised to 0.99 and the rate left as it was."""

import math

import torch
from torch import nn

torch.manual_seed(6)
angle = 2 * math.pi * torch.rand(1500)
ring = torch.randint(0, 5, (1500,))
radius = 0.4 + 0.5 * ring + 0.1 * torch.randn(1500)
points = torch.stack([radius * angle.cos(), radius * angle.sin()], 1)

model = nn.Sequential(nn.Linear(2, 80), nn.Tanh(), nn.Linear(80, 80), nn.Tanh(), nn.Linear(80, 5))
optimizer = torch.optim.SGD(model.parameters(), lr=0.2, momentum=0.99)
for epoch in range(20):
    total = 0.0
    for rows in torch.randperm(1500).split(50):
        loss = nn.functional.cross_entropy(model(points[rows]), ring[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item() / 30
    print(epoch, round(total, 3))
