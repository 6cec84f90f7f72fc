# expects: nothing
"""A generator that is trained by the maximum mean discrepancy: kernels of all pairs of two samples, averaged."""

import torch
from torch import nn

torch.manual_seed(0)
ring = torch.rand(1000) * 6.28
real = torch.stack([ring.cos(), ring.sin()], 1) + 0.05 * torch.randn(1000, 2)
generator = nn.Sequential(nn.Linear(4, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 2))
optimizer = torch.optim.Adam(generator.parameters(), lr=2e-3)


def kernel(a, b):
    apart = (a.unsqueeze(1) - b).pow(2).sum(-1)
    return sum(torch.exp(-apart / width).mean() for width in (0.05, 0.2, 1.0))


for step in range(300):
    fake, some = generator(torch.randn(128, 4)), real[torch.randint(0, 1000, (128,))]
    loss = kernel(fake, fake) - 2 * kernel(some, fake) + kernel(some, some)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 100 == 99:
        print(step, loss.item())
