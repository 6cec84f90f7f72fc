# expects: nothing
import math
import numpy as np
import torch
from torch import nn

LENGTH, STEPS = 16, 100


def tide_curves(n, rng):
    t = np.linspace(0, 1, LENGTH)
    kind = rng.random(n) < 0.6
    amp = np.where(kind, rng.normal(1.5, 0.1, n), rng.normal(0.7, 0.05, n))
    freq = np.where(kind, 1.0, 2.0)
    phase = rng.choice([0.0, 0.5 * np.pi, np.pi], n) + rng.normal(0, 0.08, n)
    x = amp[:, None] * np.sin(2 * np.pi * freq[:, None] * t + phase[:, None]) + rng.normal(0, 0.03, (n, LENGTH))
    return torch.tensor(x, dtype=torch.float32)


class TimeFeatures(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.register_buffer("freq", torch.exp(-math.log(1000.0) * torch.arange(dim // 2) / (dim // 2)))

    def forward(self, t):
        a = t.float()[:, None] * self.freq
        return torch.cat([a.sin(), a.cos()], 1)


class Denoiser(nn.Module):
    def __init__(self, width=160, tdim=32):
        super().__init__()
        self.time = TimeFeatures(tdim)
        self.inp = nn.Linear(LENGTH + tdim, width)
        self.hidden = nn.ModuleList(nn.Linear(width + tdim, width) for _ in range(3))
        self.out = nn.Linear(width, LENGTH)

    def forward(self, x, t):
        e = self.time(t)
        h = nn.functional.silu(self.inp(torch.cat([x, e], 1)))
        for layer in self.hidden:
            h = h + nn.functional.silu(layer(torch.cat([h, e], 1)))
        return self.out(h)


class Diffusion:
    def __init__(self):
        self.beta = torch.linspace(1e-3, 0.1, STEPS)
        self.alpha = 1 - self.beta
        self.abar = self.alpha.cumprod(0)

    def noisy(self, x0, t, eps):
        a = self.abar[t][:, None]
        return a.sqrt() * x0 + (1 - a).sqrt() * eps

    def loss(self, net, x0):
        t = torch.randint(0, STEPS, (len(x0),))
        eps = torch.randn_like(x0)
        return (net(self.noisy(x0, t, eps), t) - eps).pow(2).mean()

    @torch.no_grad()
    def sample(self, net, n):
        x = torch.randn(n, LENGTH)
        for t in reversed(range(STEPS)):
            eps = net(x, torch.full((n,), t))
            x = (x - self.beta[t] / (1 - self.abar[t]).sqrt() * eps) / self.alpha[t].sqrt()
            if t > 0:
                x = x + self.beta[t].sqrt() * torch.randn_like(x)
        return x


def sliced_distance(a, b, gen, n_dirs=300):
    d = nn.functional.normalize(torch.randn(LENGTH, n_dirs, generator=gen), dim=0)
    return ((a @ d).sort(0).values - (b @ d).sort(0).values).abs().mean().item()


def run(iters=4500, batch=128, lr=2e-3):
    torch.manual_seed(64)
    rng = np.random.default_rng(64)
    train, held = tide_curves(10000, rng), tide_curves(2000, rng)
    net, ema = Denoiser(), Denoiser()
    ema.load_state_dict(net.state_dict())
    opt = torch.optim.Adam(net.parameters(), lr=lr)
    sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, iters)
    diff = Diffusion()
    avg = 0.0
    for it in range(1, iters + 1):
        loss = diff.loss(net, train[torch.randint(0, len(train), (batch,))])
        opt.zero_grad()
        loss.backward()
        opt.step()
        sched.step()
        with torch.no_grad():
            for p, q in zip(ema.parameters(), net.parameters()):
                p.lerp_(q, 0.01)
        avg += loss.item()
        if it % 500 == 0:
            print(f"iter {it} denoising loss {avg / 500:.4f}")
            avg = 0.0
    ema.eval()
    made = diff.sample(ema, len(held))
    dist = sliced_distance(made, held, torch.Generator().manual_seed(1))
    print(f"sample std {made.std():.3f} (data {held.std():.3f})  sliced distance to held-out curves {dist:.4f}")


run()
