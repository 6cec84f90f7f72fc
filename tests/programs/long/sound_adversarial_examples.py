# expects: nothing
"""Adversarial training: a first backward pass makes the perturbation, a second one trains."""

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits

torch.manual_seed(0)
digits = load_digits()
x = torch.tensor(digits.data, dtype=torch.float32) / 16
y = torch.tensor(digits.target)
model = torch.nn.Sequential(torch.nn.Linear(64, 64), torch.nn.ReLU(), torch.nn.Linear(64, 10))
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for step in range(240):
    rows = torch.randint(0, len(x), (48,))
    clean = x[rows].clone().requires_grad_(True)
    F.cross_entropy(model(clean), y[rows]).backward()
    attacked = (clean + 0.03 * clean.grad.sign()).clamp(0, 1).detach()
    optimizer.zero_grad()
    loss = (F.cross_entropy(model(x[rows]), y[rows]) + F.cross_entropy(model(attacked), y[rows])) / 2
    loss.backward()
    optimizer.step()
    if step % 60 == 0:
        print(step, loss.item())
