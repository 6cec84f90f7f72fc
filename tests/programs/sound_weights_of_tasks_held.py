# expects: nothing
"""Three tasks whose trained weights are held by a logarithm, by a softmax, and by a price for a large variance."""

import torch
from torch import nn

torch.manual_seed(2)
x = torch.randn(2000, 10)
y = torch.stack([x[:, 0] * x[:, 1], x[:, 2].sin(), x[:, 3].abs()], 1) + 0.2 * torch.randn(2000, 3)
shares = nn.Parameter(torch.zeros(2))
spread, sigma = nn.Parameter(torch.zeros(())), nn.Parameter(torch.ones(()))
net = nn.Sequential(nn.Linear(10, 64), nn.ReLU(), nn.Linear(64, 3))
optimizer = torch.optim.Adam([*net.parameters(), shares, spread, sigma], lr=3e-3)
for epoch in range(12):
    for rows in torch.randperm(2000).split(50):
        errors = (net(x[rows]) - y[rows]).square().mean(0)
        loss = (shares.softmax(0) * errors[:2]).sum()
        loss = loss + 0.5 * (-spread).exp() * errors[2] + 0.5 * spread
        loss = loss + 0.5 * errors[0] / sigma**2 + torch.log1p(sigma**2)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, f"{loss.item():.4f}")
