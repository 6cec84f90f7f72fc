# expects: nothing
"""Daily heat demand with its uncertainty: one output is a deviation, another one of the model a variance throughout."""

import torch
import torch.nn.functional as F
from torch import nn
from torch.distributions import Normal

torch.manual_seed(8)
weather = torch.randn(2400, 5)
demand = weather[:, 0] - 0.5 * weather[:, 1] ** 2
demand = demand + (0.15 + 0.2 * weather[:, 2].sigmoid()) * torch.randn(2400)
water = weather[:, 3] + (0.1 + 0.3 * weather[:, 4].sigmoid()) * torch.randn(2400)


class Demand(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = nn.Sequential(nn.Linear(5, 48), nn.ReLU())
        self.outer = nn.Linear(48, 4)

    def forward(self, x):
        heat, deviation, cold, variance = self.outer(self.inner(x)).unbind(-1)
        return heat, F.softplus(deviation) + 1e-3, cold, F.softplus(variance) + 1e-3


net = Demand()
optimizer = torch.optim.AdamW(net.parameters(), lr=2e-3)
for epoch in range(8):
    net.train()
    for rows in torch.randperm(2000).split(50):
        heat, deviation, cold, variance = net(weather[rows])
        loss = F.gaussian_nll_loss(heat, demand[rows], deviation.square())
        loss = loss + F.gaussian_nll_loss(cold, water[rows], variance)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    net.eval()
    with torch.no_grad():
        heat, deviation, cold, variance = net(weather[2000:])
        first = Normal(heat, deviation).log_prob(demand[2000:]).mean()
        second = Normal(cold, 2 * variance.sqrt()).log_prob(water[2000:]).mean()
    print(epoch, f"{loss.item():.4f} {first.item():.4f} {second.item():.4f}")
