# expects: LOS066
"""A model of wear that is taken to a second plant, and is to stay near what it was at the first."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn


class Wear(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(6, 40), nn.Tanh(), nn.Linear(40, 40), nn.Tanh())
        self.head = nn.Linear(40, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.body(x)).squeeze(1)


def plant(machines: int, slope: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    x = torch.randn(machines, 6)
    return x, torch.sin(x @ slope) + 0.05 * torch.randn(machines)


def fit(net: nn.Module, data: tuple[torch.Tensor, torch.Tensor], before: list[torch.Tensor] | None) -> None:
    optimizer = torch.optim.AdamW(net.parameters(), lr=2e-3)
    for step in range(400):
        rows = torch.randint(0, len(data[0]), (32,))
        loss = F.mse_loss(net(data[0][rows]), data[1][rows])
        if before is not None:
            for weight, old in zip(net.parameters(), before, strict=True):
                loss = loss + 0.1 * torch.square(weight - old).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 100 == 0:
            print(step, f"{loss.item():.4f}")


def main() -> None:
    torch.manual_seed(3)
    slope = torch.randn(6)
    net = Wear()
    first, second = plant(1500, slope), plant(60, slope + 0.3 * torch.randn(6))
    fit(net, first, None)
    fit(net, second, [weight.data for weight in net.parameters()])
    with torch.no_grad():
        print("first plant", F.mse_loss(net(first[0]), first[1]).item())


main()
