# expects: nothing
"""Three measurements of a sample, of which each is often missing: what is missing is 0, and taken out of the loss."""

import torch
from torch import nn

torch.manual_seed(3)
x = torch.randn(1500, 10)
y = 2 * (x @ torch.randn(10, 3)) / 10**0.5 + 0.2 * torch.randn(1500, 3)
y = (y - y.mean(0)) / y.std(0)
known = torch.rand(1500, 3) < 0.65
y[~known] = 0.0
model = nn.Sequential(nn.Linear(10, 64), nn.Tanh(), nn.Linear(64, 3))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(12):
    for rows in torch.randperm(1500).split(50):
        losses = nn.functional.mse_loss(model(x[rows]), y[rows], reduction="none")
        loss = (losses * known[rows]).sum() / known[rows].sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
