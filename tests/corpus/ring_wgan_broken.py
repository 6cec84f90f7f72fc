# expects: TRN051
# WGAN-GP on two-dimensional measurements that fall into eight clusters; counts the clusters that the generator serves.
import math

import torch
from torch import nn, autograd

torch.manual_seed(4)

CENTRES = torch.tensor([[math.cos(2 * math.pi * k / 8), math.sin(2 * math.pi * k / 8)] for k in range(8)]) * 1.5
NOISE, BATCH, LATENT = 0.12, 128, 8
ITERS, N_CRITIC, GP_WEIGHT = 4000, 4, 1.0


def real_batch(n):
    return CENTRES[torch.randint(8, (n,))] + NOISE * torch.randn(n, 2)


def mlp(n_in, n_out, act, width=64):
    return nn.Sequential(nn.Linear(n_in, width), act(), nn.Linear(width, width), act(), nn.Linear(width, n_out))


generator = mlp(LATENT, 2, nn.ReLU)
critic = mlp(2, 1, lambda: nn.LeakyReLU(0.2))
opt_g = torch.optim.Adam(generator.parameters(), lr=1e-3, betas=(0.5, 0.9))
opt_c = torch.optim.Adam(critic.parameters(), lr=1e-3, betas=(0.5, 0.9))


def gradient_penalty(real, fake):
    mix = torch.rand(len(real), 1)
    point = (mix * real + (1 - mix) * fake).requires_grad_(True)
    grad, = autograd.grad(critic(point).sum(), point, create_graph=True)
    return ((grad.square().sum(1) + 1e-12).sqrt() - 1).square().mean()


def critic_step():
    real = real_batch(BATCH)
    with torch.no_grad():
        fake = generator(torch.randn(BATCH, LATENT))
    gap = critic(fake).mean() - critic(real).mean()
    loss = gap + GP_WEIGHT * gradient_penalty(real, fake)
    opt_c.zero_grad()
    loss.backward()
    opt_c.step()
    return -gap.item()


def generator_step():
    loss = -critic(generator(torch.randn(BATCH, LATENT))).mean()
    opt_g.zero_grad()
    loss.backward()
    opt_g.step()
    return loss.item()


@torch.no_grad()
def coverage(n=2000):
    """Clusters with at least 2 % of the samples close by, the share of samples that lie close to any cluster, and their spread."""
    sample = generator(torch.randn(n, LATENT))
    dist = torch.cdist(sample, CENTRES)
    near, which = dist.min(1)
    good = near < 3 * NOISE
    counts = torch.bincount(which[good], minlength=8)
    return int((counts >= 0.02 * n).sum()), good.float().mean().item(), sample.std(0).mean().item()


gap = g_loss = 0.0
for it in range(1, ITERS + 1):
    g_loss = generator_step()
    if it % N_CRITIC == 0:
        gap = critic_step()
    if it % 400 == 0:
        modes, quality, spread = coverage()
        print(f"iter {it:5d}  critic gap {gap:7.4f}  g loss {g_loss:8.4f}  modes {modes}/8  on-mode {quality:.3f}  spread {spread:.3f}")
modes, quality, spread = coverage(5000)
print(f"final: {modes} of 8 modes covered, {quality:.3f} of the samples on a mode")
