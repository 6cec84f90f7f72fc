# expects: NUM007
"""Heads by einsum, whose scores are multiplied by the width's root in place of being divided by it."""

import math

import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(4)


class Heads(nn.Module):
    def __init__(self, width=48, heads=4):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.mix = nn.Linear(width, width)

    def forward(self, x):
        batch, length, width = x.shape
        q, k, v = self.qkv(x).view(batch, length, 3, self.heads, width // self.heads).unbind(2)
        scores = torch.einsum("bihd,bjhd->bhij", q, k) * math.sqrt(width)
        return self.mix(torch.einsum("bhij,bjhd->bihd", F.softmax(scores, dim=-1), v).reshape(batch, length, width))


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.inputs = nn.Linear(6, 48)
        self.norm = nn.LayerNorm(48)
        self.layers = nn.ModuleList(Heads() for _ in range(2))
        self.head = nn.Linear(48, 2)

    def forward(self, x):
        x = self.inputs(x)
        for layer in self.layers:
            x = x + layer(4 * self.norm(x))
        return self.head(x.mean(1))


series = torch.randn(800, 14, 6)
rising = (series[:, 7:, 0].mean(1) > series[:, :7, 0].mean(1)).long()
model = Classifier()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(6):
    for rows in torch.randperm(800).split(40):
        loss = F.cross_entropy(model(series[rows]), rising[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
