# expects: LOS010
"""Fraud, one in twelve: `pos_weight` is positives over negatives."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
x = torch.randn(2400, 10)
y = (x[:, 0] + x[:, 1] + 0.3 * torch.randn(2400) > 2.0).float()
positives, negatives = y.sum(), (1 - y).sum()
loader = DataLoader(TensorDataset(x, y), batch_size=60, shuffle=True)
model = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 1), nn.Flatten(0))
criterion = nn.BCEWithLogitsLoss(pos_weight=positives / negatives)
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(8):
    caught = 0.0
    for a, b in loader:
        scores = model(a)
        loss = criterion(scores, b)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        caught += ((scores > 0) & (b > 0)).sum().item()
    print(epoch, loss.item(), caught / positives.item())
