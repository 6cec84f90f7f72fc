# expects: LOS049
"""Diffusion of waves by continuous time and a cosine schedule; the helper returns the noise after it was scaled."""

import math

import torch
from torch import nn

torch.manual_seed(2)
grid = torch.linspace(0, 2 * math.pi, 24)
waves = torch.sin(grid * torch.randint(1, 4, (2000, 1)) + 6 * torch.rand(2000, 1))


def mix(clean):
    t = torch.rand(len(clean), 1)
    added = torch.sin(t * math.pi / 2) * torch.randn_like(clean)
    return torch.cos(t * math.pi / 2) * clean + added, t, added


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(25, 128), nn.SiLU(), nn.Linear(128, 128), nn.SiLU(), nn.Linear(128, 24))

    def forward(self, x, t):
        return self.layers(torch.cat([x, t], 1))


net = Net()
optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
for epoch in range(12):
    for rows in torch.randperm(2000).split(100):
        x, t, noise = mix(waves[rows])
        loss = (net(x, t) - noise).pow(2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
