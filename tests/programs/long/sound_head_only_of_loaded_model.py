# expects: nothing
"""A network is trained on the first five digits, saved, loaded, and only its new head is trained on the others."""

import os
import tempfile

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn


class Net(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(64, 80), nn.ReLU(), nn.Linear(80, 40), nn.ReLU())
        self.head = nn.Linear(40, classes)

    def forward(self, x):
        return self.head(self.body(x))


def loop(model, optimizer, x, y, steps):
    for _ in range(steps):
        rows = torch.randint(0, len(x), (64,))
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x[rows]), y[rows])
        loss.backward()
        optimizer.step()
    return loss.item()


torch.manual_seed(0)
digits = load_digits()
x = torch.tensor(digits.data, dtype=torch.float32) / 16
y = torch.tensor(digits.target)
low = y < 5

first = Net(5)
print("first task:", loop(first, torch.optim.Adam(first.parameters(), lr=3e-3), x[low], y[low], 150))
path = os.path.join(tempfile.mkdtemp(), "net.pt")
torch.save(first.state_dict(), path)

second = Net(5)
second.load_state_dict(torch.load(path))
second.head = nn.Linear(40, 5)
print("second task:", loop(second, torch.optim.Adam(second.head.parameters(), lr=1e-2), x[~low], y[~low] - 5, 200))
