# expects: nothing
"""DDPM generator for (u, v) wind scenarios at a site with several weather regimes."""
import math

import numpy as np
import torch
from torch import nn


def site_winds(n, seed):
    rng = np.random.default_rng(seed)
    regime = rng.choice(4, size=n, p=[0.4, 0.25, 0.2, 0.15])
    heading = np.array([0.3, 1.9, 3.6, 5.0])[regime] + rng.normal(0, 0.12, n)
    speed = np.array([9.0, 6.0, 11.0, 7.5])[regime] + rng.normal(0, 0.35, n)
    return np.stack([speed * np.cos(heading), speed * np.sin(heading)], 1).astype(np.float32)


class TimeEmbedding(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.register_buffer("freqs", torch.exp(-math.log(1000.0) * torch.arange(dim // 2) / (dim // 2)))

    def forward(self, t):
        ang = t.float()[:, None] * self.freqs
        return torch.cat([ang.sin(), ang.cos()], dim=1)


class Denoiser(nn.Module):
    def __init__(self, width=128, t_dim=32):
        super().__init__()
        self.time = TimeEmbedding(t_dim)
        self.net = nn.Sequential(
            nn.Linear(2 + t_dim, width), nn.SiLU(),
            nn.Linear(width, width), nn.SiLU(),
            nn.Linear(width, width), nn.SiLU(),
            nn.Linear(width, 2))

    def forward(self, x, t):
        return self.net(torch.cat([x, self.time(t)], dim=1))


class Diffusion:
    def __init__(self, steps=120):
        self.steps = steps
        self.beta = torch.linspace(1e-3, 0.1, steps)
        self.alpha = 1 - self.beta
        self.alpha_bar = torch.cumprod(self.alpha, 0)
        self.sqrt_one_minus_ab = (1 - self.alpha_bar).sqrt()

    def q_sample(self, x0, t, noise):
        return self.alpha_bar[t].sqrt()[:, None] * x0 + self.sqrt_one_minus_ab[t][:, None] * noise

    def loss(self, model, x0):
        t = torch.randint(0, self.steps, (len(x0),))
        noise = torch.randn_like(x0)
        return (model(self.q_sample(x0, t, noise), t) - noise).pow(2).mean()

    @torch.no_grad()
    def sample(self, model, n):
        x = torch.randn(n, 2)
        for i in reversed(range(self.steps)):
            eps = model(x, torch.full((n,), i))
            x = (x - self.beta[i] / self.sqrt_one_minus_ab[i] * eps) / self.alpha[i].sqrt()
            if i > 0:
                x = x + self.beta[i].sqrt() * torch.randn_like(x)
        return x


def energy_distance(a, b):
    return (2 * torch.cdist(a, b).mean() - torch.cdist(a, a).mean() - torch.cdist(b, b).mean()).item()


class Trainer:
    def __init__(self, seed=21, lr=3e-3, batch=512, iters=1500):
        torch.manual_seed(seed)
        train, test = site_winds(6000, seed), site_winds(2000, seed + 1)
        self.mean, self.std = train.mean(0), train.std(0)
        self.train = torch.from_numpy((train - self.mean) / self.std)
        self.test = torch.from_numpy((test - self.mean) / self.std)
        self.model = Denoiser()
        self.diffusion = Diffusion()
        self.opt = torch.optim.Adam(self.model.parameters(), lr=lr)
        self.sched = torch.optim.lr_scheduler.CosineAnnealingLR(self.opt, iters)
        self.batch, self.iters = batch, iters

    def batches(self):
        while True:
            yield from self.train[torch.randperm(len(self.train))].split(self.batch)

    def fit(self):
        avg = None
        self.model.train()
        for it, x0 in zip(range(1, self.iters + 1), self.batches()):
            loss = self.diffusion.loss(self.model, x0)
            self.opt.zero_grad()
            loss.backward()
            self.opt.step()
            self.sched.step()
            avg = loss.item() if avg is None else 0.99 * avg + 0.01 * loss.item()
            if it % 250 == 0:
                print(f"iter {it:5d} loss {avg:.4f}")

    def report(self):
        self.model.eval()
        fake = self.diffusion.sample(self.model, 2000)
        ed = energy_distance(fake, self.test)
        speed = lambda z: np.linalg.norm(z.numpy() * self.std + self.mean, axis=1)
        print(f"energy distance to held-out winds {ed:.4f}")
        print(f"wind speed std: generated {speed(fake).std():.2f}, held-out {speed(self.test).std():.2f} m/s")


if __name__ == "__main__":
    trainer = Trainer()
    trainer.fit()
    trainer.report()
