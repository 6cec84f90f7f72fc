# expects: nothing
"""Regression with uncertainty: dropout is switched on again for prediction on purpose."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
x = torch.rand(1000, 1) * 6 - 3
y = torch.sin(x) + 0.1 * torch.randn(1000, 1)
net = nn.Sequential(nn.Linear(1, 64), nn.ReLU(), nn.Dropout(0.1), nn.Linear(64, 64), nn.ReLU(), nn.Dropout(0.1))
net.append(nn.Linear(64, 1))
optimizer = torch.optim.Adam(net.parameters(), lr=5e-3, weight_decay=1e-5)


def predict(inputs, samples=20):
    net.eval()
    for module in net.modules():
        if isinstance(module, nn.Dropout):
            module.train()
    with torch.no_grad():
        draws = torch.stack([net(inputs) for _ in range(samples)])
    return draws.mean(0), draws.std(0)


for epoch in range(10):
    net.train()
    for a, b in DataLoader(TensorDataset(x[:900], y[:900]), batch_size=45, shuffle=True):
        loss = nn.functional.mse_loss(net(a), b)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    mean, spread = predict(x[900:])
    print(epoch, (mean - y[900:]).square().mean().item(), spread.mean().item())
