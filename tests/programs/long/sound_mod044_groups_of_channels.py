# expects: nothing
"""Channels are divided into as many groups as the picture has rows: to be normalised by hand, and as the heads of attention over places."""

import torch
from sklearn.datasets import load_digits
from torch import nn


class Normalised(nn.Module):
    def forward(self, x):
        groups = x.view(len(x), 8, -1)
        groups = (groups - groups.mean(-1, keepdim=True)) / (groups.std(-1, keepdim=True) + 1e-5)
        return groups.view_as(x)


class Places(nn.Module):
    def __init__(self, width=32, heads=8):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Conv2d(width, 3 * width, 1)

    def forward(self, x):
        count, width, rows, columns = x.shape
        q, k, v = (one.reshape(count, self.heads, -1, rows * columns).mT for one in self.qkv(x).chunk(3, 1))
        found = nn.functional.scaled_dot_product_attention(q, k, v)
        return x + found.mT.reshape(count, width, rows, columns)


torch.manual_seed(6)
digits = load_digits()
images, labels = torch.tensor(digits.images / 8 - 1, dtype=torch.float32)[:, None], torch.tensor(digits.target)
model = nn.Sequential(
    nn.Conv2d(1, 32, 3, padding=1), Normalised(), nn.ReLU(), Places(), nn.Conv2d(32, 32, 3, padding=1), Normalised(), nn.ReLU(),
    nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(128, 10),
)  # fmt: skip
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(6):
    for rows in torch.randperm(1400).split(50):
        loss = nn.functional.cross_entropy(model(images[rows]), labels[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        print(epoch, loss.item(), (model(images[1400:]).argmax(1) == labels[1400:]).float().mean().item())
