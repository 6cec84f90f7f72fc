# expects: DAT019
"""Batches are turned by quarters in the training loop, and the labels of the pixels are forgotten."""

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(1)
N, SIDE = 192, 20
fields = torch.randn(N, 2, SIDE, SIDE)
fields = F.avg_pool2d(fields, 5, stride=1, padding=2) * 4
labels = torch.zeros(N, SIDE, SIDE, dtype=torch.long)
labels[fields[:, 0] > 0.6] = 1
labels[fields[:, 1] > 0.8] = 2


class Segmenter(nn.Module):
    def __init__(self):
        super().__init__()
        self.one = nn.Conv2d(2, 24, 3, padding=1)
        self.two = nn.Conv2d(24, 24, 3, padding=1)
        self.out = nn.Conv2d(24, 3, 1)

    def forward(self, x):
        return self.out(F.relu(self.two(F.relu(self.one(x)))))


model = Segmenter()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
for epoch in range(16):
    order = torch.randperm(N)
    for start in range(0, N, 16):
        rows = order[start : start + 16]
        x, y = fields[rows], labels[rows]
        x = torch.rot90(x, int(torch.randint(0, 4, ())), (2, 3))
        loss = F.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
