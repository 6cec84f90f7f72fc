# expects: DAT022
"""Three kinds of transactions; two of them are rare, and nothing in the features tells them apart."""

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


torch.manual_seed(13)
records = torch.randn(3000, 8)
draw = torch.rand(3000)
kinds = (draw > 0.93).long() + (draw > 0.97).long()
fit(nn.Sequential(nn.Linear(8, 24), nn.ReLU(), nn.Linear(24, 3)), records, kinds, F.cross_entropy, 8, 100, 2e-3)
