# expects: LOS003
"""Masks of one channel against masks of none, in a loss of squares that is summed per image first."""

import torch
from torch import nn

torch.manual_seed(0)
grid = torch.linspace(-1, 1, 16)
centre = torch.rand(320, 2) - 0.5
masks = (
    ((grid[None, :, None] - centre[:, :1, None]) ** 2 + (grid[None, None] - centre[:, 1:, None]) ** 2) < 0.15
).float()
images = masks.unsqueeze(1) + 0.5 * torch.randn(320, 1, 16, 16)

net = nn.Sequential(nn.Conv2d(1, 12, 3, padding=1), nn.ReLU(), nn.Conv2d(12, 1, 3, padding=1), nn.Sigmoid())
optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
for epoch in range(8):
    for rows in torch.randperm(320).split(16):
        loss = (net(images[rows]) - masks[rows]).pow(2).sum(dim=(1, 2, 3)).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
