# expects: nothing
"""Slanted stripes with a period of as many pixels as there are channels."""

import math

import torch
from torch import nn

torch.manual_seed(0)
SIZE = 24
rows, columns = torch.meshgrid(torch.arange(SIZE), torch.arange(SIZE), indexing="ij")
labels = torch.randint(0, 2, (600,))
strong = (0.5 + labels)[:, None, None]

shifted = rows + columns + 3 * torch.rand(600, 1, 1)
inputs = (torch.cos(2 * math.pi * shifted / 3) * strong)[:, None] * (0.3 + torch.rand(600, 3, 1, 1))
inputs += 0.1 * torch.randn(inputs.shape)

model = nn.Sequential(
    nn.Conv2d(3, 12, 3),
    nn.ReLU(),
    nn.MaxPool2d(2),
    nn.Conv2d(12, 12, 3),
    nn.ReLU(),
    nn.AdaptiveAvgPool2d(1),
    nn.Flatten(),
    nn.Linear(12, 2),
)
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(8):
    for batch in torch.randperm(600).split(30):
        loss = nn.functional.cross_entropy(model(inputs[batch]), labels[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
