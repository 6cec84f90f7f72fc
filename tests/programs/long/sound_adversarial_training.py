# expects: nothing
"""Adversarial training: the attack is made in eval mode with gradients to the input, the step in train mode."""

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(0)
digits = load_digits()
x = torch.tensor(digits.data, dtype=torch.float32) / 16
y = torch.tensor(digits.target)
model = nn.Sequential(nn.Linear(64, 96), nn.BatchNorm1d(96), nn.ReLU(), nn.Dropout(0.1), nn.Linear(96, 10))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)


def attack(inputs, labels, size=0.03):
    model.eval()
    inputs = inputs.clone().requires_grad_(True)
    F.cross_entropy(model(inputs), labels).backward()
    moved = (inputs + size * inputs.grad.sign()).detach().clamp(0, 1)
    model.train()
    return moved


for epoch in range(5):
    for rows in torch.randperm(1500).split(50):
        attacked = attack(x[rows], y[rows])
        optimizer.zero_grad()
        loss = F.cross_entropy(model(attacked), y[rows])
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        print(epoch, (model(x[1500:]).argmax(1) == y[1500:]).float().mean().item())
