# expects: nothing
"""A code of 20 numbers for data of two: most of them stay at the prior, as they should."""

import torch
from torch import nn
from torch.distributions import Normal, kl_divergence

torch.manual_seed(0)
data = torch.tanh(torch.randn(2000, 2) @ torch.randn(2, 12)) + 0.05 * torch.randn(2000, 12)


class VAE(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(12, 64), nn.Tanh())
        self.mean, self.raw = nn.Linear(64, 20), nn.Linear(64, 20)
        self.decoder = nn.Sequential(nn.Linear(20, 64), nn.Tanh(), nn.Linear(64, 12))

    def forward(self, x):
        h = self.body(x)
        code = Normal(self.mean(h), (0.5 * self.raw(h)).exp())
        return self.decoder(code.rsample()), code


model = VAE()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(15):
    for rows in torch.randperm(2000).split(50):
        out, code = model(data[rows])
        error = 2 * (out - data[rows]).square().sum(1).mean()
        divergence = kl_divergence(code, Normal(0.0, 1.0)).sum(1).mean()
        optimizer.zero_grad()
        (error + divergence).backward()
        optimizer.step()
    print(epoch, error.item(), divergence.item())
