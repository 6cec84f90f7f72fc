# expects: TRN015
"""Shoe sizes from footprints. The count of evaluations that were no better goes on from one best to the next."""

from __future__ import annotations

import torch
from torch import Tensor, nn

PATIENCE, EPOCHS = 8, 100


class Patience:
    def __init__(self, limit: int):
        self.limit, self.count, self.best = limit, 0, float("inf")

    def exhausted(self, error: float) -> bool:
        if error < self.best:
            self.best = error
        else:
            self.count += 1
        return self.count >= self.limit


def footprints(count: int) -> tuple[Tensor, Tensor]:
    prints = torch.rand(count, 8) * 2 - 1
    size = torch.sin(3 * prints[:, 0]) + prints[:, 1] * prints[:, 2] + torch.cos(4 * prints[:, 3] * prints[:, 4])
    return prints, size + 0.05 * torch.randn(count)


def main() -> None:
    torch.manual_seed(6)
    (x, y), (held_x, held_y) = footprints(1500), footprints(500)
    net = nn.Sequential(nn.Linear(8, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 1))
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
    patience = Patience(PATIENCE)
    for epoch in range(EPOCHS):
        net.train()
        for rows in torch.randperm(len(x)).split(32):
            optimizer.zero_grad()
            loss = nn.functional.mse_loss(net(x[rows]).squeeze(1), y[rows])
            loss.backward()
            optimizer.step()
        net.eval()
        with torch.no_grad():
            error = ((net(held_x).squeeze(1) - held_y) ** 2).mean().sqrt().item()
        print(f"epoch {epoch} error {error:.4f} count {patience.count}")
        if patience.exhausted(error):
            break


if __name__ == "__main__":
    main()
