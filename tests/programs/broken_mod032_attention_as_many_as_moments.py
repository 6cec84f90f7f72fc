# expects: MOD032
"""Attention over windows of a series, in batches of as many windows as these have moments."""

import torch
import torch.nn as nn

torch.manual_seed(1)
B = T = 24
x = torch.randn(1200, T, 5)
y = x[:, :, 0].amax(1, keepdim=True) - x[:, :, 1].amin(1, keepdim=True)


class Block(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.norm = nn.LayerNorm(d)
        self.attn = nn.MultiheadAttention(d, 2)
        self.mlp = nn.Sequential(nn.LayerNorm(d), nn.Linear(d, 2 * d), nn.GELU(), nn.Linear(2 * d, d))

    def forward(self, h):
        n = self.norm(h)
        h = h + self.attn(n, n, n, need_weights=False)[0]
        return h + self.mlp(h)


class Reader(nn.Module):
    def __init__(self):
        super().__init__()
        self.lift = nn.Linear(5, 16)
        self.blocks = nn.Sequential(Block(16), Block(16))
        self.out = nn.Linear(16, 1)

    def forward(self, x):
        return self.out(self.blocks(self.lift(x)).mean(dim=1))


model = Reader()
opt = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(10):
    perm = torch.randperm(1200)
    for i in range(0, 1200, B):
        rows = perm[i : i + B]
        loss = nn.functional.mse_loss(model(x[rows]), y[rows])
        opt.zero_grad()
        loss.backward()
        opt.step()
    print(epoch, loss.item())
