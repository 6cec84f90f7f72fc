# expects: nothing
"""ALBERT style: one block is called four times; and a linear attention, and slots that compete for the input."""

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(0)


class LinearAttention(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.qkv = nn.Linear(size, 3 * size)

    def forward(self, x):
        q, k, v = self.qkv(x).chunk(3, dim=-1)
        context = k.softmax(dim=1).transpose(1, 2) @ v
        return q.softmax(dim=-1) @ context


class Slots(nn.Module):
    def __init__(self, size, count=4):
        super().__init__()
        self.slots = nn.Parameter(torch.randn(count, size))
        self.key, self.value = nn.Linear(size, size), nn.Linear(size, size)

    def forward(self, x):
        competing = (self.slots @ self.key(x).transpose(1, 2) / x.shape[-1] ** 0.5).softmax(dim=1)
        weights = competing / competing.sum(dim=-1, keepdim=True)
        return weights @ self.value(x)


class Model(nn.Module):
    def __init__(self, size=32):
        super().__init__()
        self.inp = nn.Linear(5, size)
        self.norm, self.attention = nn.LayerNorm(size), LinearAttention(size)
        self.slots, self.out = Slots(size), nn.Linear(4 * size, 3)

    def forward(self, x):
        x = self.inp(x)
        for _ in range(4):
            x = x + self.attention(self.norm(x))
        return self.out(self.slots(x).flatten(1))


x = torch.randn(1200, 9, 5)
y = x[:, :, :3].mean(1).argmax(1)
model = Model()
opt = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(8):
    for rows in torch.randperm(1200).split(40):
        loss = F.cross_entropy(model(x[rows]), y[rows])
        opt.zero_grad()
        loss.backward()
        opt.step()
    print(epoch, loss.item())
