# expects: NUM007
"""Sensor windows are pooled by a learned query; the scores are multiplied by the root of the width, and the sum is written out."""

import torch
from torch import nn

torch.manual_seed(3)
WIDTH, LENGTH = 48, 20
signal = torch.randn(1600, LENGTH, 6)
level = torch.randn(1600, 1)
signal[..., 0] += level
target = 0.7 * level + 0.1 * torch.randn(1600, 1)


class Pool(nn.Module):
    def __init__(self):
        super().__init__()
        self.query = nn.Parameter(torch.randn(WIDTH))
        self.key, self.value = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, WIDTH)

    def forward(self, steps):
        scores = (self.key(steps) * self.query).sum(-1) * WIDTH**0.5
        weights = torch.softmax(scores, dim=1)
        return (weights.unsqueeze(-1) * self.value(steps)).sum(1)


net = nn.Sequential(nn.Linear(6, WIDTH), nn.GELU(), nn.LayerNorm(WIDTH), Pool(), nn.Linear(WIDTH, 1))
optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
for epoch in range(12):
    for rows in torch.randperm(1600).split(64):
        loss = (net(signal[rows]) - target[rows]).square().mean()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
