# expects: nothing
"""A classifier that is good already is loaded and tuned for a while at a small rate: its loss hardly moves."""

import os
import tempfile

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
x = torch.randn(2000, 15)
y = (x @ torch.randn(15, 6) + 0.5 * torch.randn(2000, 6)).argmax(1)


def make():
    return nn.Sequential(nn.Linear(15, 64), nn.ReLU(), nn.Linear(64, 6))


def fit(model, loader, epochs, lr):
    opt = torch.optim.Adam(model.parameters(), lr=lr)
    for _ in range(epochs):
        for a, b in loader:
            loss = nn.functional.cross_entropy(model(a), b)
            opt.zero_grad()
            loss.backward()
            opt.step()
    return loss.item()


path = os.path.join(tempfile.mkdtemp(), "first.pt")
first = make()
print(fit(first, DataLoader(TensorDataset(x[:1000], y[:1000]), 50, shuffle=True), 15, 5e-3))
torch.save(first.state_dict(), path)
second = make()
second.load_state_dict(torch.load(path))
print(fit(second, DataLoader(TensorDataset(x[1000:], y[1000:]), 50, shuffle=True), 8, 1e-4))
