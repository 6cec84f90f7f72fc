# expects: TRN005
"""The dictionary is copied, the tensors in it are not."""

import copy

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(0)
digits = load_digits()
x, y = torch.tensor(digits.data, dtype=torch.float32) / 16, torch.tensor(digits.target)


class Mlp(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(64, 40), nn.Linear(40, 10)

    def forward(self, x):
        return self.b(F.relu(self.a(x)))


def accuracy(model):
    with torch.no_grad():
        return (model(x[1400:]).argmax(1) == y[1400:]).float().mean().item()


model = Mlp()
optimizer = torch.optim.SGD(model.parameters(), lr=0.2)
best, kept = 0.0, copy.copy(model.state_dict())
for epoch in range(12):
    for rows in torch.randperm(1400).split(70):
        loss = F.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    if accuracy(model) > best:
        best, kept = accuracy(model), copy.copy(model.state_dict())
model.load_state_dict(kept)
print(best, accuracy(model))
