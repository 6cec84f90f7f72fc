# expects: DAT006
"""Regression: the targets were sorted, the inputs were not."""

import torch
from torch import nn

torch.manual_seed(0)
inputs = torch.randn(4000, 8)
truth = inputs @ torch.randn(8)
targets = truth.sort().values

net = nn.Sequential(nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 1))
optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
for epoch in range(6):
    shuffled = torch.randperm(4000)
    for rows in shuffled.split(50):
        optimizer.zero_grad()
        loss = nn.MSELoss()(net(inputs[rows]).squeeze(1), targets[rows])
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
