# expects: nothing
"""Pumps that behave unlike others, found by what an autoencoder of healthy ones cannot give back."""

from __future__ import annotations

import torch
from torch import nn


class Narrow(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.down = nn.Sequential(nn.Linear(24, 32), nn.GELU(), nn.Linear(32, 5))
        self.up = nn.Sequential(nn.Linear(5, 32), nn.GELU(), nn.Linear(32, 24))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.up(self.down(x))


torch.manual_seed(2)
mix = torch.randn(5, 24) / 5**0.5
healthy = torch.randn(2400, 5) @ mix + 0.05 * torch.randn(2400, 24)
worn = torch.randn(300, 5) @ mix + 0.5 * torch.randn(300, 24)
train, check = healthy[:2000], healthy[2000:]
model = Narrow()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(15):
    for rows in torch.randperm(2000).split(40):
        loss = nn.functional.mse_loss(model(train[rows]), train[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        sound, ill = ((model(x) - x).square().mean(1) for x in (check, worn))
        cut = sound.quantile(0.95)
        print(epoch, f"loss {loss.item():.4f}", f"found {(ill > cut).float().mean().item():.3f}")
