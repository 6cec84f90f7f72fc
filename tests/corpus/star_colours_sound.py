# expects: nothing
"""DDPM on a 2-D density (spectral colour pairs of star clusters)."""
import math
import numpy as np
import torch
import torch.nn as nn
from scipy.stats import wasserstein_distance


def star_colours(n, rng):
    which = rng.random(n) < 0.5
    th = 1.5 * np.pi * (1 + 2 * rng.random(n))
    arm = np.stack([th * np.cos(th), th * np.sin(th)], 1) / 8.0
    ang = rng.integers(0, 5, n) * 2 * np.pi / 5
    blobs = np.stack([2.2 * np.cos(ang), 2.2 * np.sin(ang)], 1)
    pts = np.where(which[:, None], arm, blobs) + rng.normal(0, 0.08, (n, 2))
    return pts.astype(np.float32)


class Schedule:
    def __init__(self, steps=100):
        self.steps = steps
        s = 0.008
        f = torch.cos((torch.linspace(0, 1, steps + 1) + s) / (1 + s) * math.pi / 2) ** 2
        self.beta = (1 - f[1:] / f[:-1]).clamp(max=0.999)
        self.alpha = 1 - self.beta
        self.abar = torch.cumprod(self.alpha, 0)

    def q_sample(self, x0, t, noise):
        a = self.abar[t][:, None]
        return a.sqrt() * x0 + (1 - a).sqrt() * noise

    @torch.no_grad()
    def sample(self, net, n):
        x = torch.randn(n, 2)
        for i in reversed(range(self.steps)):
            t = torch.full((n,), i)
            eps = net(x, t)
            x = (x - self.beta[i] / (1 - self.abar[i]).sqrt() * eps) / self.alpha[i].sqrt()
            if i > 0:
                var = self.beta[i] * (1 - self.abar[i - 1]) / (1 - self.abar[i])
                x = x + var.sqrt() * torch.randn_like(x)
        return x


class Denoiser(nn.Module):
    def __init__(self, width=128):
        super().__init__()
        self.register_buffer("freqs", torch.exp(-math.log(1000.0) * torch.arange(16) / 16))
        self.time = nn.Sequential(nn.Linear(32, width), nn.SiLU(), nn.Linear(width, width))
        self.inp = nn.Linear(2, width)
        self.mid = nn.ModuleList(nn.Linear(width, width) for _ in range(3))
        self.out = nn.Linear(width, 2)

    def forward(self, x, t):
        a = t[:, None].float() * self.freqs
        emb = self.time(torch.cat([a.sin(), a.cos()], 1))
        h = self.inp(x)
        for layer in self.mid:
            h = h + nn.functional.silu(layer(h + emb))
        return self.out(h)


def sliced_w(a, b, rng, k=60):
    dirs = rng.normal(size=(k, 2))
    dirs /= np.linalg.norm(dirs, axis=1, keepdims=True)
    return float(np.mean([wasserstein_distance(a @ d, b @ d) for d in dirs]))


def train():
    torch.manual_seed(40)
    rng = np.random.default_rng(40)
    data, held = star_colours(8000, rng), star_colours(3000, rng)
    mu, sd = data.mean(0), data.std(0)
    x = torch.from_numpy((data - mu) / sd)
    sched, net = Schedule(), Denoiser()
    opt = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=0.0)
    total = 2500
    lr = torch.optim.lr_scheduler.OneCycleLR(opt, max_lr=2e-3, total_steps=total)
    avg = 0.0
    for step in range(1, total + 1):
        x0 = x[torch.randint(len(x), (192,))]
        t = torch.randint(sched.steps, (192,))
        noise = torch.randn_like(x0)
        loss = (net(sched.q_sample(x0, t, noise), t) - noise).square().mean()
        opt.zero_grad()
        loss.backward()
        opt.step()
        lr.step()
        avg += loss.item()
        if step % 500 == 0:
            print(f"step {step} eps-mse {avg / 500:.4f}")
            avg = 0.0
    net.eval()
    gen = sched.sample(net, 3000).numpy() * sd + mu
    print(f"sliced wasserstein to held-out {sliced_w(gen, held, rng):.4f}")


train()
