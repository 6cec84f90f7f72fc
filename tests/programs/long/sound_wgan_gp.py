# expects: nothing
"""Wasserstein GAN with gradient penalty: five critic steps per generator step, double backward."""

import torch
from torch import autograd, nn, optim

torch.manual_seed(3)
critic = nn.Sequential(nn.Linear(2, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1))
generator = nn.Sequential(nn.Linear(2, 64), nn.ReLU(), nn.Linear(64, 2))
opt_c = optim.Adam(critic.parameters(), lr=5e-4, betas=(0.5, 0.9))
opt_g = optim.Adam(generator.parameters(), lr=5e-4, betas=(0.5, 0.9))


def sample(n):
    centres = torch.tensor([[2.0, 0.0], [-2.0, 0.0], [0.0, 2.0], [0.0, -2.0]])
    return centres[torch.randint(0, 4, (n,))] + 0.1 * torch.randn(n, 2)


def penalty(real, fake):
    mix = torch.rand(len(real), 1)
    between = (mix * real + (1 - mix) * fake).requires_grad_(True)
    slope = autograd.grad(critic(between).sum(), between, create_graph=True)[0]
    return 10 * ((slope.norm(2, dim=1) - 1) ** 2).mean()


for iteration in range(60):
    for p in critic.parameters():
        p.requires_grad_(True)
    for _ in range(5):
        real, fake = sample(64), generator(torch.randn(64, 2)).detach()
        opt_c.zero_grad()
        loss_c = critic(fake).mean() - critic(real).mean() + penalty(real, fake)
        loss_c.backward()
        opt_c.step()
    for p in critic.parameters():
        p.requires_grad_(False)
    opt_g.zero_grad()
    loss_g = -critic(generator(torch.randn(64, 2))).mean()
    loss_g.backward()
    opt_g.step()
    if iteration % 15 == 0:
        print(iteration, loss_c.item(), loss_g.item())
