# expects: LOS051
"""NT-Xent over both views, without the temperature."""

import torch
import torch.nn as nn
import torch.nn.functional as F


def nt_xent(a, b):
    z = F.normalize(torch.cat([a, b]), dim=1)
    similarity = (z @ z.T).masked_fill(torch.eye(len(z), dtype=torch.bool), -1e9)
    n = len(a)
    return F.cross_entropy(similarity, torch.cat([torch.arange(n) + n, torch.arange(n)]))


torch.manual_seed(2)
rows = torch.randn(300, 20)
net = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 24))
opt = torch.optim.Adam(net.parameters(), lr=2e-3)
for epoch in range(40):
    for index in torch.randperm(300).split(50):
        x = rows[index]
        loss = nt_xent(net(x + 0.2 * torch.randn_like(x)), net(x * (torch.rand_like(x) > 0.2)))
        opt.zero_grad()
        loss.backward()
        opt.step()
print(loss.item())
