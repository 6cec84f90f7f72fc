# expects: MOD015
# also: TRN002
"""Momentum 0: the running mean and variance stay 0 and 1."""

import torch
from torch import nn

torch.manual_seed(0)
x = 3 + 2 * torch.randn(2000, 10)
y = (x @ torch.randn(10)) / 4
layers = []
for a, b in ((10, 32), (32, 32)):
    layers += [nn.Linear(a, b), nn.BatchNorm1d(b, momentum=0.0), nn.ReLU()]
model = nn.Sequential(*layers, nn.Linear(32, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(8):
    model.train()
    for i in range(0, 1600, 50):
        loss = nn.functional.mse_loss(model(x[i : i + 50])[:, 0], y[i : i + 50])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        error = (model(x[1600:])[:, 0] - y[1600:]).square().mean()
    print(f"{epoch}: {loss.item():.3f} {error.item():.3f}")
