# expects: LOS067
"""Pulses of a wrist sensor, made anew from noise."""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

STEPS = 200


class Schedule:
    def __init__(self) -> None:
        when = torch.linspace(0, 1, STEPS + 1)
        wave = torch.cos((when + 0.008) / 1.008 * math.pi / 2) ** 2
        self.signal = (wave / wave[0])[1:].clamp(1e-4, 0.9999)
        self.noise = (1 - self.signal).sqrt()

    def mix(self, x: torch.Tensor, noise: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        return self.signal[t, None] * x + self.noise[t, None] * noise


class Net(nn.Module):
    def __init__(self, size: int) -> None:
        super().__init__()
        self.time = nn.Embedding(STEPS, 32)
        self.first, self.second = nn.Linear(size, 96), nn.Linear(32, 96)
        self.rest = nn.Sequential(nn.GELU(), nn.Linear(96, 96), nn.GELU(), nn.Linear(96, size))

    def forward(self, x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        return self.rest(self.first(x) + self.second(self.time(t)))


def main() -> None:
    torch.manual_seed(3)
    places = torch.arange(16.0)
    pulses = torch.exp(-((places - 4 - 8 * torch.rand(3000, 1)) ** 2) / 6) + 0.2 * torch.randn(3000, 16)
    pulses = (pulses - pulses.mean()) / pulses.std()
    loader = DataLoader(TensorDataset(pulses), batch_size=100, shuffle=True, drop_last=True)
    net, schedule = Net(16), Schedule()
    optimizer = torch.optim.AdamW(net.parameters(), lr=2e-3)
    for epoch in range(12):
        for (x,) in loader:
            t, noise = torch.randint(0, STEPS, (len(x),)), torch.randn_like(x)
            loss = ((net(schedule.mix(x, noise, t), t) - noise) ** 2).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(epoch, f"{loss.item():.4f}")


main()
