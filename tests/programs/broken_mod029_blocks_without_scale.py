# expects: MOD029
"""Residual-free blocks, normalised only at the very end."""

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


torch.manual_seed(23)
layers = []
for width in (10, 48, 48, 48, 48, 48, 48):
    layer = nn.Linear(width, 48, bias=False)
    nn.init.uniform_(layer.weight, -1.5, 1.5)
    layers += [layer, nn.LeakyReLU()]
net = nn.Sequential(*layers, nn.LayerNorm(48), nn.Linear(48, 3))
data = torch.randn(1000, 10)
fit(net, data, (data @ torch.randn(10, 3)).argmax(1), F.cross_entropy, 8, 40, 1e-3)
