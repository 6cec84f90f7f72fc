# expects: nothing
"""A seed for each epoch, a fixed projection made in each call, and validation noise that is the same each time."""

import torch
from torch import nn

torch.manual_seed(6)
x = torch.randn(1200, 30)
y = (x[:, 0] * x[:, 1] + x[:, 2]).tanh()[:, None]
net = nn.Sequential(nn.Linear(12, 64), nn.ReLU(), nn.Linear(64, 1))
optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)


def projected(rows):
    generator = torch.Generator().manual_seed(0)
    return rows @ torch.randn(rows.shape[1], 12, generator=generator) / 30**0.5


@torch.no_grad()
def robustness(rows):
    generator = torch.Generator().manual_seed(1)
    return net(projected(rows + 0.1 * torch.randn(rows.shape, generator=generator))).std()


for epoch in range(8):
    order = torch.randperm(1000, generator=torch.Generator().manual_seed(100 + epoch))
    for part in order.split(50):
        noisy = x[part] + 0.05 * torch.randn_like(x[part])
        loss = nn.functional.mse_loss(net(projected(noisy)), y[part])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item(), robustness(x[1000:]).item())
