# expects: MOD034
"""Residual blocks over signals; the sum with the input is made, and then not returned."""

import math

import torch
from torch import nn


class Unit(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.inner = nn.Sequential(
            nn.Conv1d(channels, channels, 3, padding=1),
            nn.GroupNorm(4, channels),
            nn.GELU(),
            nn.Conv1d(channels, channels, 3, padding=1),
            nn.GroupNorm(4, channels),
            nn.GELU(),
        )

    def forward(self, x):
        out = self.inner(x)
        _ = out + x
        return out


torch.manual_seed(11)
time = torch.linspace(0, 1, 48)
rate = 2 + 6 * torch.rand(1600, 1)
wave = torch.sin(2 * math.pi * (rate * time + torch.rand(1600, 1))) + 0.2 * torch.randn(1600, 48)
wave, rate = wave.unsqueeze(1), (rate - 5) / 1.73
net = nn.Sequential(
    nn.Conv1d(1, 16, 5, padding=2),
    *[Unit(16) for _ in range(24)],
    nn.AdaptiveAvgPool1d(4),
    nn.Flatten(),
    nn.Linear(64, 1),
)
optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
for epoch in range(4):
    total = 0.0
    for rows in torch.randperm(1300).split(50):
        loss = nn.functional.mse_loss(net(wave[rows]), rate[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item() / 26
    print(epoch, total)
