# expects: nothing
"""Trained on the young, looked at among the old: the held-out answers lie two deviations higher, and so they are judged."""

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(14)
age = 20 + 30 * torch.rand(1000)
other = torch.randn(1000, 4)
pressure = 90 + 0.8 * age + 3 * other[:, 0] + torch.randn(1000)
x = torch.cat([(age[:, None] - 35) / 10, other], dim=1)
young = age < 40
mean, std = pressure[young].mean(), pressure[young].std()
wanted = (pressure - mean) / std
x_train, y_train, x_test, y_test = x[young], wanted[young], x[~young], wanted[~young]

model = nn.Sequential(nn.Linear(5, 24), nn.ReLU(), nn.Linear(24, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
for epoch in range(20):
    model.train()
    for rows in torch.randperm(len(x_train)).split(32):
        loss = F.smooth_l1_loss(model(x_train[rows])[:, 0], y_train[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        print(epoch, loss.item(), F.l1_loss(model(x_test)[:, 0], y_test).item() * std.item())
