# expects: OPT016
"""The optimizer is configured at the top of the epoch loop; so is its scheduler."""

import torch
from sklearn.datasets import load_wine
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
table = load_wine()
features = torch.tensor(table.data, dtype=torch.float32)
features = (features - features.mean(0)) / features.std(0)
batches = DataLoader(TensorDataset(features, torch.tensor(table.target)), batch_size=6, shuffle=True)

model = nn.Sequential(nn.Linear(13, 24), nn.ReLU(), nn.Linear(24, 3))
for epoch in range(10):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.95)
    total = 0.0
    for x, y in batches:
        loss = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item()
    print(f"{epoch}: {total / len(batches):.4f}")
