# expects: nothing
"""Heartbeats recorded through a noisy electrode, to be restored."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn


def record(beats: int, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    places = torch.linspace(-1, 1, 64)
    middle = 0.6 * torch.rand(beats, 1, generator=generator) - 0.3
    width = 0.05 + 0.1 * torch.rand(beats, 1, generator=generator)
    clean = torch.exp(-(((places - middle) / width) ** 2)) - 0.4 * torch.exp(-(((places - middle - 0.3) / width) ** 2))
    return clean, clean + 0.4 * torch.randn(beats, 64, generator=generator)


def main() -> None:
    torch.manual_seed(0)
    generator = torch.Generator().manual_seed(1)
    clean, noisy = record(1600, generator)
    held_clean, held_noisy = record(400, generator)
    net = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 64))
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    for epoch in range(12):
        for rows in torch.randperm(len(clean)).split(40):
            x, beat = noisy[rows], clean[rows]
            loss = F.smooth_l1_loss(net(x), beat)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            left = (net(held_noisy) - held_clean).abs().mean().item()
        print(f"{epoch}: loss {loss.item():.4f}, error that is left {left:.4f}")


main()
