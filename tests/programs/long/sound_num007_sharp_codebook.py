# expects: nothing
"""Soft vector quantisation: codes are chosen sharply, on purpose, from a codebook that is learned."""

import torch
from torch import nn

torch.manual_seed(5)
data = torch.randn(8, 16)[torch.randint(0, 8, (2000,))] + 0.2 * torch.randn(2000, 16)


class Quantizer(nn.Module):
    def __init__(self, codes=32, width=24):
        super().__init__()
        self.book = nn.Parameter(torch.randn(codes, width))
        self.encode = nn.Sequential(nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, width))
        self.decode = nn.Sequential(nn.Linear(width, 64), nn.ReLU(), nn.Linear(64, 16))

    def forward(self, x):
        chosen = torch.softmax(4.0 * self.encode(x) @ self.book.t(), dim=-1)
        return self.decode(chosen @ self.book)


model = Quantizer()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(15):
    for rows in torch.randperm(2000).split(64):
        loss = (model(data[rows]) - data[rows]).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
