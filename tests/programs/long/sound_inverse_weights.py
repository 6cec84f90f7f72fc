# expects: nothing
"""Weights by the effective number of examples, and a sampler that balances: both on the side of the rare classes."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, WeightedRandomSampler

torch.manual_seed(0)
x = torch.randn(2400, 8)
level = x[:, 0] + 0.5 * x[:, 1]
y = (level > 0.5).long() + (level > 1.5).long()
counts = torch.bincount(y).float()
effective = (1 - 0.99**counts) / (1 - 0.99)
weights = 1 / effective
weights = weights / weights.sum() * 3
sampler = WeightedRandomSampler((1 / counts.sqrt())[y], len(y))
loader = DataLoader(TensorDataset(x, y), batch_size=60, sampler=sampler)
model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 3))
criterion = nn.CrossEntropyLoss(weight=weights)
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(8):
    for a, b in loader:
        loss = criterion(model(a), b)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
