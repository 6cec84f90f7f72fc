# expects: NUM013
"""Stations lie up to two kilometres away, in metres of half precision; their readings are weighted by distance."""

import torch
from torch import nn

torch.manual_seed(0)
N = 3000
places = ((torch.rand(N, 10, 2) * 2 - 1) * 2000).half()
near = 1 / (places.float().norm(dim=2) / 100 + 1)
readings = torch.randn(N, 10).half()
level = (near * readings.float()).sum(1) / near.sum(1)
target = (2 * level + 0.05 * torch.randn(N)).unsqueeze(1)


class Field(nn.Module):
    def __init__(self):
        super().__init__()
        self.out = nn.Sequential(nn.Linear(2, 32), nn.Tanh(), nn.Linear(32, 1))

    def forward(self, places, readings):
        squared = torch.sum(places.square(), dim=-1)
        weights = torch.reciprocal(squared + 1).float()
        mean = torch.einsum("bs,bs->b", weights, readings.float()) / (weights.sum(1) + 1e-9)
        return self.out(torch.stack([mean, weights.sum(1)], dim=1))


model = Field()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(8):
    order = torch.randperm(N)
    for rows in order.split(60):
        loss = nn.functional.mse_loss(model(places[rows], readings[rows]), target[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
