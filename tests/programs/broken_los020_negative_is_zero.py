# expects: LOS020
"""Class 0 means "normal", and is taken for the number of missing labels."""

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


torch.manual_seed(25)
signals = torch.randn(1000, 1, 24)
kind = (signals[:, 0, :8].mean(1) > 0).long() + (signals[:, 0, 8:16].mean(1) > 0.2).long()
net = nn.Sequential(nn.Conv1d(1, 12, 5), nn.ReLU(), nn.Flatten(), nn.Linear(240, 3))
fit(net, signals, kind, lambda scores, wanted: F.cross_entropy(scores, wanted, ignore_index=0), 8)
