# expects: MOD021
"""Learned scales in a plain list."""

import torch
import torch.nn.functional as F
from torch import nn


def fit(model, inputs, targets, objective, epochs=8, size=40, rate=3e-3):
    optimizer = torch.optim.Adam(model.parameters(), lr=rate)
    for epoch in range(epochs):
        model.train()
        total = 0.0
        for picks in torch.randperm(len(inputs)).split(size):
            optimizer.zero_grad()
            value = objective(model(inputs[picks]), targets[picks])
            value.backward()
            optimizer.step()
            total += value.item()
        model.eval()
        with torch.no_grad():
            print(epoch, total, objective(model(inputs[:200]), targets[:200]).item())


class Scaled(nn.Module):
    def __init__(self, depth=3):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(12, 12) for _ in range(depth))
        self.scales = [torch.full((12,), 0.5, requires_grad=True) for _ in range(depth)]
        self.out = nn.Linear(12, 1)

    def forward(self, x):
        for layer, scale in zip(self.layers, self.scales):
            x = x + scale * F.gelu(layer(x))
        return self.out(x).flatten()


torch.manual_seed(15)
points = torch.randn(1000, 12)
fit(Scaled(), points, points[:, 0] * points[:, 1], F.mse_loss)
