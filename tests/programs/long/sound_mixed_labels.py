# expects: nothing
"""Mixup and label smoothing: soft targets for cross-entropy that sum to one."""

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(0)
digits = load_digits()
x = torch.tensor(digits.data, dtype=torch.float32) / 16
y = F.one_hot(torch.tensor(digits.target), 10).float()
model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
beta = torch.distributions.Beta(0.4, 0.4)
for epoch in range(8):
    for rows in torch.randperm(len(x)).split(64):
        share, other = beta.sample().item(), rows[torch.randperm(len(rows))]
        inputs = share * x[rows] + (1 - share) * x[other]
        targets = share * y[rows] + (1 - share) * y[other]
        loss = F.cross_entropy(model(inputs), targets, label_smoothing=0.1)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
