# expects: DAT014
"""A table of numpy rows that are standardised where they lie, under random_split, with a validation set."""

import numpy as np
import torch
from sklearn.datasets import load_breast_cancer
from torch import nn
from torch.utils.data import DataLoader, Dataset, random_split


class Table(Dataset):
    def __init__(self, x, y):
        self.x, self.y = x, y
        self.mean, self.std = x.mean(0), x.std(0)

    def __len__(self):
        return len(self.x)

    def __getitem__(self, i):
        row = self.x[i]
        row -= self.mean
        row /= self.std
        return torch.from_numpy(row.astype(np.float32)), np.float32(self.y[i])


torch.manual_seed(0)
data = load_breast_cancer()
train, held = random_split(Table(data.data.copy(), data.target), [455, 114])
model = nn.Sequential(nn.Linear(30, 32), nn.ReLU(), nn.Linear(32, 1))
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
for epoch in range(10):
    model.train()
    for x, y in DataLoader(train, batch_size=32, shuffle=True):
        loss = nn.functional.binary_cross_entropy_with_logits(model(x).squeeze(1), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        right = sum(((model(x).squeeze(1) > 0) == (y > 0.5)).sum().item() for x, y in DataLoader(held, batch_size=57))
    print(epoch, loss.item(), right / len(held))
