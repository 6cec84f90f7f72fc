# expects: MOD057
"""Rain in the next hour, from the day before; a network that was carried over from another library."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

KEEP_PROBABILITY = 0.85


class Rain(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv1d(2, 24, 5, padding=2)
        self.dense = nn.Linear(24 * 12, 64)
        self.out = nn.Linear(64, 1)

    def forward(self, day: torch.Tensor) -> torch.Tensor:
        x = F.max_pool1d(F.relu(self.conv(day)), 2).flatten(1)
        x = F.dropout(F.relu(self.dense(x)), KEEP_PROBABILITY, self.training)
        return self.out(x).squeeze(1)


def main() -> None:
    torch.manual_seed(9)
    day = torch.randn(1500, 2, 24)
    rain = (day[:, 0, -6:].mean(1) - day[:, 1, -12:].mean(1)) + 0.05 * torch.randn(1500)
    net = Rain()
    optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
    for epoch in range(12):
        net.train()
        for rows in torch.randperm(1200).split(40):
            loss = F.mse_loss(net(day[rows]), rain[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        net.eval()
        with torch.no_grad():
            print(epoch, f"{loss.item():.4f} {F.mse_loss(net(day[1200:]), rain[1200:]).item():.4f}")


main()
