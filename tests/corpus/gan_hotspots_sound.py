# expects: nothing
"""WGAN-GP on taxi pick-up hot spots: 8 stands around a city ring, 2-D coordinates in km."""
import math

import torch
from torch import nn, autograd

torch.manual_seed(11)

K, RADIUS, SPREAD = 8, 2.0, 0.2
Z_DIM = 4
BATCH = 128
ITERS = 6000
N_CRITIC = 5
GP_WEIGHT = 0.2

ang = torch.arange(K) * (2 * math.pi / K)
STANDS = RADIUS * torch.stack([ang.cos(), ang.sin()], 1)


def pickups(n):
    which = torch.randint(K, (n,))
    return STANDS[which] + SPREAD * torch.randn(n, 2)


def mlp(i, o, h=96):
    return nn.Sequential(
        nn.Linear(i, h), nn.LeakyReLU(0.2),
        nn.Linear(h, h), nn.LeakyReLU(0.2),
        nn.Linear(h, h), nn.LeakyReLU(0.2),
        nn.Linear(h, o),
    )


def gradient_penalty(critic, real, fake):
    eps = torch.rand(len(real), 1)
    mid = (eps * real + (1 - eps) * fake).requires_grad_(True)
    (g,) = autograd.grad(critic(mid).sum(), mid, create_graph=True)
    return ((g.norm(dim=1) - 1) ** 2).mean()


@torch.no_grad()
def coverage(gen, n=4000):
    x = gen(torch.randn(n, Z_DIM))
    dist = torch.cdist(x, STANDS)
    near, who = dist.min(1)
    good = near < 3 * SPREAD
    counts = torch.bincount(who[good], minlength=K).float()
    share = counts / counts.sum().clamp(min=1)
    tv = 0.5 * (share - 1 / K).abs().sum().item()
    return int((counts > 0.02 * n).sum()), good.float().mean().item(), tv


gen, critic = mlp(Z_DIM, 2), mlp(2, 1)
opt_g = torch.optim.Adam(gen.parameters(), lr=5e-4, betas=(0.5, 0.9))
opt_c = torch.optim.Adam(critic.parameters(), lr=1e-3, betas=(0.5, 0.9))

log_c, log_g = [], []
for it in range(1, ITERS + 1):
    real = pickups(BATCH)
    with torch.no_grad():
        fake = gen(torch.randn(BATCH, Z_DIM))
    loss_c = critic(fake).mean() - critic(real).mean() + GP_WEIGHT * gradient_penalty(critic, real, fake)
    opt_c.zero_grad()
    loss_c.backward()
    opt_c.step()
    log_c.append(loss_c.item())

    if it % N_CRITIC == 0:
        loss_g = -critic(gen(torch.randn(BATCH, Z_DIM))).mean()
        opt_g.zero_grad()
        loss_g.backward()
        opt_g.step()
        log_g.append(loss_g.item())

    if it % 600 == 0:
        modes, quality, tv = coverage(gen)
        print(f"it {it:5d}  critic {sum(log_c) / len(log_c):+.4f}  gen {sum(log_g) / len(log_g):+.4f}  "
              f"stands {modes}/{K}  on-stand {quality:.2%}  tv {tv:.3f}")
        log_c, log_g = [], []
