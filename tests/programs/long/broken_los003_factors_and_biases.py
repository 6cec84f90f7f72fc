# expects: LOS003
"""Ratings from factors: the product keeps its axis, the biases lose theirs."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
users, items, n = 60, 40, 3000
user, item = torch.randint(0, users, (n,)), torch.randint(0, items, (n,))
taste, kind = torch.randn(users, 3), torch.randn(items, 3)
liked = torch.randn(items)
rating = 3 + (taste[user] * kind[item]).sum(1) * 0.6 + liked[item] * 0.7 + 0.2 * torch.randn(n)


class Factors(nn.Module):
    def __init__(self, rank=8):
        super().__init__()
        self.u, self.v = nn.Embedding(users, rank), nn.Embedding(items, rank)
        self.bu, self.bv = nn.Embedding(users, 1), nn.Embedding(items, 1)
        self.mean = nn.Parameter(torch.tensor(3.0))
        for table in (self.u, self.v, self.bu, self.bv):
            nn.init.normal_(table.weight, std=0.1)

    def forward(self, user, item):
        match = (self.u(user) * self.v(item)).sum(1, keepdim=True)
        return match + self.bu(user).squeeze() + self.bv(item).squeeze() + self.mean


model = Factors()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
for epoch in range(10):
    total = 0.0
    for u, i, r in DataLoader(TensorDataset(user, item, rating), batch_size=100, shuffle=True):
        loss = nn.functional.mse_loss(model(u, i), r)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item()
    print(epoch, total / 30)
