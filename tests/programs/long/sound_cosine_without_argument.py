# expects: nothing
"""Shapes of leaves, with a rate that is to fall along a cosine."""

from __future__ import annotations

import torch
from torch import nn
from torch.optim.lr_scheduler import CosineAnnealingLR
from torch.utils.data import DataLoader, TensorDataset


class Trainer:
    def __init__(self) -> None:
        torch.manual_seed(8)
        x = torch.randn(1300, 12)
        y = (x @ torch.randn(12, 4)).argmax(1)
        self.train = DataLoader(TensorDataset(x[:1000], y[:1000]), batch_size=50, shuffle=True)
        self.check = x[1000:], y[1000:]
        self.net = nn.Sequential(nn.Linear(12, 48), nn.GELU(), nn.Linear(48, 4))
        self.optimizer = torch.optim.AdamW(self.net.parameters(), lr=2e-3)
        self.schedule = CosineAnnealingLR(self.optimizer, T_max=10)

    def accuracy(self) -> float:
        with torch.no_grad():
            return (self.net(self.check[0]).argmax(1) == self.check[1]).float().mean().item()

    def run(self, epochs: int) -> None:
        for epoch in range(epochs):
            for x, y in self.train:
                loss = nn.functional.cross_entropy(self.net(x), y)
                self.optimizer.zero_grad()
                loss.backward()
                self.optimizer.step()
            score = self.accuracy()
            self.schedule.step()
            print(epoch, f"{loss.item():.3f} {score:.3f}")


Trainer().run(10)
