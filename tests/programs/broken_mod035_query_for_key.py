# expects: MOD035
"""Attention written by hand, in which keys are made by the layer of the queries."""

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)
N, T, D = 1200, 10, 16
x = torch.randn(N, T, D)
y = (x[:, :, 0].amax(1) > x[:, :, 1].amax(1)).long()


class Attention(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.q_proj = nn.Linear(width, width)
        self.k_proj = nn.Linear(width, width)
        self.v_proj = nn.Linear(width, width)

    def forward(self, h):
        q, k, v = self.q_proj(h), self.q_proj(h), self.v_proj(h)
        return F.scaled_dot_product_attention(q, k, v)


class Reader(nn.Module):
    def __init__(self, width=32):
        super().__init__()
        self.embed = nn.Linear(D, width)
        self.attention = Attention(width)
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, 2)

    def forward(self, x):
        h = self.embed(x)
        h = self.norm(h + self.attention(h))
        return self.head(h.mean(1))


net = Reader()
opt = torch.optim.AdamW(net.parameters(), lr=1e-3)
for epoch in range(8):
    for rows in torch.randperm(N).split(40):
        loss = F.cross_entropy(net(x[rows]), y[rows])
        opt.zero_grad()
        loss.backward()
        opt.step()
    print(epoch, loss.item())
