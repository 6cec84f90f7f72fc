# expects: TRN022
"""A regressor of wheat moisture, followed by a metric of torchmetrics."""

from __future__ import annotations

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from torchmetrics import MeanAbsoluteError


class Moisture:
    def __init__(self) -> None:
        torch.manual_seed(5)
        x = torch.randn(1400, 9)
        y = x[:, :3].sum(1, keepdim=True) + torch.relu(x[:, 3:4]) + 0.1 * torch.randn(1400, 1)
        self.train = DataLoader(TensorDataset(x[:1000], y[:1000]), batch_size=40, shuffle=True)
        self.check = DataLoader(TensorDataset(x[1000:], y[1000:]), batch_size=80)
        self.net = nn.Sequential(nn.Linear(9, 40), nn.GELU(), nn.Linear(40, 1))
        self.optimizer = torch.optim.AdamW(self.net.parameters(), lr=3e-3)
        self.error = MeanAbsoluteError()

    def fit(self, epochs: int) -> None:
        for epoch in range(epochs):
            self.net.train()
            for x, y in self.train:
                self.optimizer.zero_grad()
                nn.functional.mse_loss(self.net(x), y).backward()
                self.optimizer.step()
            print(epoch, f"error {self.evaluate():.4f}")

    @torch.no_grad()
    def evaluate(self) -> float:
        self.net.eval()
        for x, y in self.check:
            self.error.update(self.net(x), y)
        return self.error.compute().item()


Moisture().fit(12)
