# expects: MOD015
"""Batch norm whose running statistics move by a ten-thousandth a step."""

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


torch.manual_seed(19)
pixels = torch.rand(1200, 1, 8, 8) * 4 + 15
edges = (pixels[:, 0, :, 4:].mean((1, 2)) > pixels[:, 0, :, :4].mean((1, 2))).long()
net = nn.Sequential(
    nn.BatchNorm2d(1, momentum=1e-4),
    nn.Conv2d(1, 8, 3, padding=1),
    nn.ReLU(),
    nn.Flatten(),
    nn.Linear(512, 2),
)
fit(net, pixels, edges, F.cross_entropy, 10)
