# expects: LOS059
"""Land cover of satellite points, four classes: a point that nobody looked at becomes class 0 by `torch.where`."""

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(9)
bands = torch.randn(3000, 6)
cover = (bands @ torch.randn(6, 4)).argmax(1).float()
cover[torch.rand(3000) < 0.35] = float("nan")
net = nn.Sequential(nn.Linear(6, 48), nn.Tanh(), nn.Linear(48, 4))
optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
for epoch in range(8):
    for rows in torch.randperm(3000).split(60):
        labels = cover[rows]
        labels = torch.where(torch.isnan(labels), torch.zeros_like(labels), labels).long()
        loss = F.cross_entropy(net(bands[rows]), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, f"{loss.item():.4f}")
