# expects: nothing
"""A small GAN on a ring of Gaussians, with batch norm in the generator."""

import math

import torch
from torch import nn

torch.manual_seed(0)
generator = nn.Sequential(
    nn.Linear(8, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 2)
)
critic = nn.Sequential(nn.Linear(2, 32), nn.LeakyReLU(0.2), nn.Linear(32, 32), nn.LeakyReLU(0.2), nn.Linear(32, 1))
g_opt = torch.optim.Adam(generator.parameters(), lr=1e-3, betas=(0.5, 0.999))
d_opt = torch.optim.Adam(critic.parameters(), lr=1e-3, betas=(0.5, 0.999))
bce = nn.BCEWithLogitsLoss()


def real(n):
    angle = torch.randint(0, 8, (n,)) * math.pi / 4
    return torch.stack([angle.cos(), angle.sin()], 1) + 0.05 * torch.randn(n, 2)


for step in range(250):
    fake = generator(torch.randn(64, 8))
    d_loss = bce(critic(real(64)), torch.ones(64, 1)) + bce(critic(fake.detach()), torch.zeros(64, 1))
    d_opt.zero_grad()
    d_loss.backward()
    d_opt.step()

    g_loss = bce(critic(fake), torch.ones(64, 1))
    g_opt.zero_grad()
    g_loss.backward()
    g_opt.step()
    if step % 50 == 0:
        with torch.no_grad():
            sample = generator(torch.randn(256, 8))
        print(step, d_loss.item(), g_loss.item(), sample.norm(dim=1).mean().item())
