# expects: OPT041
"""A regressor of tides whose layers get smaller steps the nearer they are to the input."""

from __future__ import annotations

import torch
from torch import nn
from torch.optim.lr_scheduler import OneCycleLR

STEPS = 360


class Tides(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(10, 48), nn.Linear(48, 48), nn.Linear(48, 1)])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for layer in self.layers[:-1]:
            x = torch.tanh(layer(x))
        return self.layers[-1](x).squeeze(1)


def main() -> None:
    torch.manual_seed(1)
    x = torch.randn(1500, 10)
    y = torch.sin(x @ torch.randn(10) / 2) + 0.05 * torch.randn(1500)
    net = Tides()
    groups = [{"params": layer.parameters(), "lr": 4e-3 / 4**depth} for depth, layer in enumerate(reversed(net.layers))]
    optimizer = torch.optim.AdamW(groups)
    schedule = OneCycleLR(optimizer, max_lr=4e-3, total_steps=STEPS)
    for step in range(STEPS):
        rows = torch.randint(0, 1200, (48,))
        loss = nn.functional.mse_loss(net(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if step % 60 == 59:
            with torch.no_grad():
                held_out = nn.functional.mse_loss(net(x[1200:]), y[1200:])
            print(step, f"{loss.item():.4f} {held_out.item():.4f}")


main()
