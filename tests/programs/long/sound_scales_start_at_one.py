# expects: nothing
"""Scales per channel, per head and per layer that start at constants, with a slow plain SGD."""

import torch
import torch.nn.functional as F
from torch import nn


class Attention(nn.Module):
    def __init__(self, size=16, heads=4):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(size, 3 * size)
        self.out = nn.Linear(size, size)
        self.logit_scale = nn.Parameter(torch.full((heads, 1, 1), 2.3))
        self.gamma = nn.Parameter(torch.full((size,), 0.1))

    def forward(self, x):
        b, t, c = x.shape
        q, k, v = self.qkv(x).view(b, t, 3, self.heads, c // self.heads).permute(2, 0, 3, 1, 4)
        scores = F.normalize(q, dim=-1) @ F.normalize(k, dim=-1).transpose(-2, -1)
        mixed = (scores * self.logit_scale.exp()).softmax(-1) @ v
        return x + self.gamma * self.out(mixed.transpose(1, 2).reshape(b, t, c))


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Conv1d(3, 16, 3, padding=1)
        self.channel_scale = nn.Parameter(torch.ones(16, 1))
        self.layer_mix = nn.Parameter(torch.full((2, 16), 0.5))
        self.first, self.second = Attention(), Attention()
        self.head = nn.Linear(16, 4)

    def forward(self, x):
        x = (self.embed(x) * self.channel_scale).transpose(1, 2)
        a = self.first(x)
        b = self.second(a)
        return self.head((self.layer_mix[0] * a + self.layer_mix[1] * b).mean(1))


torch.manual_seed(0)
x = torch.randn(960, 3, 10)
y = torch.cat([x.mean(2), -x.mean(2)[:, :1]], 1).argmax(1)
model = Model()
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
for epoch in range(8):
    for rows in torch.randperm(960).split(40):
        loss = F.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
