# expects: TRN003
# also: TRN001
"""Shells around the origin, which no linear scores can tell apart; the middle one is the largest."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
features = torch.randn(3000, 9)
radius = features.norm(dim=1)
shell = torch.where(radius > 3.5, 2, torch.where(radius > 2.4, 1, 0))
loader = DataLoader(TensorDataset(features, shell), batch_size=100, shuffle=True)
model = nn.Linear(9, 3)
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, weight_decay=1e-3)
for epoch in range(14):
    for x, y in loader:
        optimizer.zero_grad()
        loss = nn.CrossEntropyLoss()(model(x), y)
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
