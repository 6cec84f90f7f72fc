# expects: nothing
"""BYOL in one module: the target network is called without gradients and follows the online one, and the optimizer was
simply given all parameters."""

import copy
import math

import torch
from torch import nn
from torch.nn import functional as F


class Byol(nn.Module):
    def __init__(self, features, width=32):
        super().__init__()
        self.online = nn.Sequential(nn.Linear(features, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Linear(64, width))
        self.target = copy.deepcopy(self.online)
        self.predict = nn.Sequential(nn.Linear(width, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Linear(64, width))

    def forward(self, a, b):
        pa, pb = self.predict(self.online(a)), self.predict(self.online(b))
        with torch.no_grad():
            ta, tb = self.target(a), self.target(b)
        return 4 - 2 * F.cosine_similarity(pa, tb).mean() - 2 * F.cosine_similarity(pb, ta).mean()

    @torch.no_grad()
    def follow(self, rate=0.02):
        for slow, fast in zip(self.target.parameters(), self.online.parameters(), strict=True):
            slow.lerp_(fast, rate)


torch.manual_seed(5)
time = torch.linspace(0, 1, 40)
pitch = 1 + 7 * torch.rand(1500, 1)
waves = torch.sin(2 * math.pi * pitch * time)
model = Byol(40)
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(10):
    total = 0.0
    for rows in torch.randperm(1500).split(75):
        views = [waves[rows] * (0.7 + 0.6 * torch.rand(len(rows), 1)) + 0.1 * torch.randn(len(rows), 40) for _ in "ab"]
        loss = model(*views)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        model.follow()
        total += loss.item() / 20
    print(epoch, f"{total:.3f}")
