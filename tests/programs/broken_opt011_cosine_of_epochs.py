# expects: OPT011
"""Strength of glued joints: a cosine of the learning rate, written by hand."""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.optim.lr_scheduler import LambdaLR
from torch.utils.data import DataLoader, TensorDataset

EPOCHS = 12


def cosine(epoch: int) -> float:
    return 0.5 * (1 + math.cos(math.pi * epoch / EPOCHS))


def main() -> None:
    torch.manual_seed(2)
    x = torch.randn(1200, 7)
    y = torch.tanh(x @ torch.randn(7, 1)) + 0.1 * torch.randn(1200, 1)
    train = DataLoader(TensorDataset(x[:900], y[:900]), batch_size=20, shuffle=True)
    net = nn.Sequential(nn.Linear(7, 64), nn.ReLU(), nn.Linear(64, 1))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
    schedule = LambdaLR(optimizer, cosine)
    for epoch in range(EPOCHS):
        for inputs, target in train:
            loss = nn.functional.mse_loss(net(inputs), target)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
        with torch.no_grad():
            print(epoch, f"{nn.functional.mse_loss(net(x[900:]), y[900:]).item():.4f}")


main()
