# expects: nothing
"""Visits to clinics: where a table of counts has a gap nobody came, so the count is 0."""

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(4)
place = torch.randn(2000, 6)
rate = torch.exp(0.5 * place @ torch.randn(6, 4) / 2)
visits = torch.poisson(rate)
visits[visits == 0] = float("nan")
net = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 4), nn.Softplus())
optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
for epoch in range(8):
    for rows in torch.randperm(2000).split(50):
        loss = F.mse_loss(net(place[rows]), torch.nan_to_num(visits[rows]))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, f"{loss.item():.4f}")
