# expects: nothing
"""Continual learning: five tasks one after the other, each with an optimizer of its own over the same network."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
net = nn.Sequential(nn.Linear(10, 64), nn.ReLU(), nn.Linear(64, 3))
for task in range(5):
    x = torch.randn(600, 10)
    y = (x @ torch.randn(10, 3)).argmax(1)
    loader = DataLoader(TensorDataset(x, y), batch_size=30, shuffle=True)
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
    for epoch in range(6):
        for a, b in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(a), b)
            loss.backward()
            optimizer.step()
    print(task, loss.item())
