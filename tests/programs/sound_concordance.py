# expects: nothing
"""Agreement with a reference thermometer in millikelvin, by Lin's coefficient, on readings near 293,000."""

import torch
from torch import nn


def lin(a, b):
    ma, mb = torch.mean(a), torch.mean(b)
    va = torch.mean((a - ma) ** 2)
    vb = torch.mean((b - mb) ** 2)
    shared = torch.mean((a - ma) * (b - mb))
    return 2 * shared / (va + vb + (ma - mb) ** 2 + 1e-5)


torch.manual_seed(1)
sensors = torch.randn(3000, 5)
truth = 293_000 + 20 * sensors[:, 0] - 15 * torch.tanh(sensors[:, 1]) + 2 * torch.randn(3000)
net = nn.Sequential(nn.Linear(5, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 1))
optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
for epoch in range(8):
    for rows in torch.randperm(2400).split(60):
        reading = 293_000 + 25 * net(sensors[rows]).flatten()
        loss = 1 - lin(reading, truth[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        off = (293_000 + 25 * net(sensors[2400:]).flatten() - truth[2400:]).abs().mean()
    print(epoch, f"{off.item():.1f} mK")
