# expects: MEM001
"""Keeps the raw scores of the whole run to draw them later."""

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
x = torch.randn(800, 14)
y = (x @ torch.randn(14, 3)).argmax(1)
loader = DataLoader(TensorDataset(x, y), batch_size=40, shuffle=True)
model = nn.Sequential(nn.Linear(14, 32), nn.ReLU(), nn.Linear(32, 3))
optimizer = torch.optim.SGD(model.parameters(), lr=0.2)
scores_seen, labels_seen = [], []
for epoch in range(9):
    for xb, yb in loader:
        scores = model(xb)
        scores_seen.append(scores)
        labels_seen.append(yb)
        loss = F.cross_entropy(scores, yb)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
accuracy = (torch.cat(scores_seen).argmax(1) == torch.cat(labels_seen)).float().mean()
print(f"accuracy over the run {accuracy:.3f}")
