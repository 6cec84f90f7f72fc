# expects: nothing
"""Data sets that write while they are read: a cache that is filled at the first reading, a count of readings, and the
last view of each example, made anew each time."""

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, Dataset, Subset


class Cached(Dataset):
    def __init__(self, images, labels):
        self.raw, self.labels = images, labels
        self.cache = np.zeros((len(images), 8, 8), dtype=np.float32)
        self.filled = np.zeros(len(images), dtype=bool)
        self.readings = torch.zeros(len(images), 4)
        self.views = images.astype(np.float32).copy()

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        self.readings[i] += 1
        if not self.filled[i]:
            self.cache[i] = (self.raw[i] - self.raw[i].mean()) / self.raw[i].std()
            self.filled[i] = True
        self.views[i] = self.cache[i] + 0.1 * np.random.randn(8, 8)
        return torch.from_numpy(self.views[i].copy()).unsqueeze(0), int(self.labels[i])


np.random.seed(0)
torch.manual_seed(0)
digits = load_digits()
loader = DataLoader(Subset(Cached(digits.images, digits.target), range(1500)), batch_size=50, shuffle=True)
net = nn.Sequential(nn.Conv2d(1, 12, 3), nn.ReLU(), nn.Flatten(), nn.Linear(432, 10))
optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
for epoch in range(8):
    for x, y in loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(net(x), y)
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
