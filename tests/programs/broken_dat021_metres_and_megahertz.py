# expects: DAT021
"""Regression on readings in whatever unit the sensors gave."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(12)
gap = torch.rand(1500, 2) * 2e-3
other = torch.randn(1500, 3)
load = torch.rand(1500, 1) * 6
wear = (gap[:, :1] - gap[:, 1:]) * 1e3
model = nn.Sequential(nn.Linear(6, 32), nn.Tanh(), nn.Linear(32, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.5)
for epoch in range(8):
    for readings, target in DataLoader(TensorDataset(torch.cat([gap, other, load], 1), wear), 50, shuffle=True):
        loss = nn.functional.mse_loss(model(readings), target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
