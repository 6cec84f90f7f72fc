# expects: LOS058
"""Points on two rings, drawn by a deterministic sampler; the tables for the noise are made from one step's share each."""

import numpy as np
import torch
from torch import nn, optim

torch.manual_seed(11)
T = 40
angle = 2 * np.pi * torch.rand(6000)
radius = torch.where(torch.rand(6000) < 0.5, 0.8, 1.7) + 0.05 * torch.randn(6000)
points = torch.stack([radius * angle.cos(), radius * angle.sin()], 1)
points = (points - points.mean(0)) / points.std(0)

betas = torch.linspace(0.004, 0.4, T)
alphas = 1.0 - betas
alphas_bar = alphas.cumprod(0)
signal_table, noise_table = alphas.sqrt(), (1.0 - alphas).sqrt()


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(2 + 16, 96), nn.SiLU(), nn.Linear(96, 96), nn.SiLU(), nn.Linear(96, 2))
        self.register_buffer("rates", torch.arange(1, 9) * np.pi / 2)

    def forward(self, x, level):
        waves = level[:, None] * self.rates
        return self.layers(torch.cat([x, waves.sin(), waves.cos()], 1))


net = Net()
adam = optim.Adam(net.parameters(), lr=2e-3)
for step in range(1500):
    x0 = points[torch.randint(len(points), (128,))]
    t = torch.randint(T, (128,))
    eps = torch.randn_like(x0)
    mixed = signal_table[t].unsqueeze(1) * x0 + noise_table[t].unsqueeze(1) * eps
    loss = (net(mixed, t / T) - eps).pow(2).mean()
    adam.zero_grad()
    loss.backward()
    adam.step()
    if step % 250 == 0:
        print(step, loss.item())

with torch.no_grad():
    x = torch.randn(1500, 2)
    for i in range(T - 1, -1, -1):
        eps = net(x, torch.full((1500,), i / T))
        clean = (x - (1 - alphas_bar[i]).sqrt() * eps) / alphas_bar[i].sqrt()
        before = alphas_bar[i - 1] if i else torch.tensor(1.0)
        x = before.sqrt() * clean + (1 - before).sqrt() * eps
print("radius of what was drawn", x.norm(dim=1).mean().item(), "of the points", points.norm(dim=1).mean().item())
