# expects: LOS048
"""Points, continuous time: an angle mixes data and noise, but it only goes to 60 degrees."""

import math

import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(0)


class Field(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(5, 96), nn.GELU(), nn.Linear(96, 96), nn.GELU(), nn.Linear(96, 3))

    def forward(self, points, time):
        return self.body(torch.cat([points, time.unsqueeze(1).cos(), time.unsqueeze(1).sin()], dim=1))


field = Field()
optimizer = torch.optim.Adam(field.parameters(), lr=1e-3)
for step in range(500):
    turn = 4 * math.pi * torch.rand(200)
    spiral = torch.stack([turn.cos(), turn.sin(), turn / 6 - 1], dim=1)
    time = torch.rand(200) * math.pi / 3
    noise = torch.randn(200, 3)
    mixed = time.cos().unsqueeze(1) * spiral + time.sin().unsqueeze(1) * noise
    loss = F.smooth_l1_loss(field(mixed, time), noise)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(loss.item())
