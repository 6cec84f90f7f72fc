# expects: nothing
"""Wasserstein GAN with gradient penalty: five critic steps for one of the generator."""

import torch
from torch import nn

torch.manual_seed(0)
G = nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 2))
D = nn.Sequential(nn.Linear(2, 32), nn.LeakyReLU(0.2), nn.Linear(32, 32), nn.LeakyReLU(0.2), nn.Linear(32, 1))
g_opt = torch.optim.Adam(G.parameters(), lr=1e-3, betas=(0.0, 0.9))
d_opt = torch.optim.Adam(D.parameters(), lr=1e-3, betas=(0.0, 0.9))
mix = torch.tensor([[2.0, 0.5], [0.3, 1.0]])


def penalty(real, fake):
    share = torch.rand(len(real), 1)
    between = (share * real + (1 - share) * fake).requires_grad_(True)
    (slope,) = torch.autograd.grad(D(between).sum(), between, create_graph=True)
    return ((slope.norm(2, dim=1) - 1) ** 2).mean()


for iteration in range(60):
    for _ in range(5):
        real = torch.randn(48, 2) @ mix + 1
        fake = G(torch.randn(48, 4)).detach()
        d_loss = D(fake).mean() - D(real).mean() + 10 * penalty(real, fake)
        d_opt.zero_grad()
        d_loss.backward()
        d_opt.step()
    g_loss = -D(G(torch.randn(48, 4))).mean()
    g_opt.zero_grad()
    g_loss.backward()
    g_opt.step()
    if iteration % 20 == 0:
        print(iteration, d_loss.item(), g_loss.item())
