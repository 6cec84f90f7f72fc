# expects: nothing
"""Quantile regression: three predictions for one target, broadcast on purpose."""

import torch
from torch import nn

torch.manual_seed(0)
x = torch.rand(1500, 1) * 2 - 1
y = x**2 + (0.1 + 0.2 * x.abs()) * torch.randn(1500, 1)
quantiles = torch.tensor([0.1, 0.5, 0.9])
net = nn.Sequential(nn.Linear(1, 32), nn.Softplus(), nn.Linear(32, 3))
optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)


def pinball(prediction, target):
    error = target - prediction  # (N, 1) - (N, 3)
    return torch.maximum(quantiles * error, (quantiles - 1) * error).mean()


for step in range(300):
    rows = torch.randint(0, 1500, (100,))
    loss = pinball(net(x[rows]), y[rows])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 100 == 0:
        print(step, loss.item())
