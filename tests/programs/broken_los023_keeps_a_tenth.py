# expects: LOS023
"""Smoothing given as the part that is kept."""

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


torch.manual_seed(28)
data = torch.randn(900, 16)
kinds = (data @ torch.randn(16, 6)).argmax(1)
net = nn.Sequential(nn.Linear(16, 48), nn.SiLU(), nn.Linear(48, 6))
fit(net, data, kinds, lambda scores, wanted: F.cross_entropy(scores, wanted, label_smoothing=0.95))
