# bug: one-step alpha in place of the cumulative product: hardly any noise
# expects: LOS058
# Generator of synthetic household load profiles (24 hourly values, kW) so that we can share data without
# sharing customers. Small DDPM, MLP denoiser.
import math
import numpy as np
import torch
import torch.nn as nn

SEED, T, HOURS = 3, 100, 24
torch.manual_seed(SEED)
rng = np.random.default_rng(SEED)


def households(n):
    h = np.arange(HOURS)
    bump = lambda c, w: np.exp(-0.5 * (((h[None] - c[:, None] + 12) % 24 - 12) / w) ** 2)
    kind = rng.choice(3, n, p=[0.5, 0.3, 0.2])
    base = rng.uniform(0.15, 0.35, n)[:, None] * np.ones((1, HOURS))
    morning = rng.gamma(6, 0.1, n)[:, None] * bump(rng.normal(7.5, 0.7, n), 1.3)
    evening = rng.gamma(8, 0.15, n)[:, None] * bump(rng.normal(19.5, 0.9, n), 2.0)
    solar = (kind == 1)[:, None] * rng.gamma(8, 0.15, n)[:, None] * bump(rng.normal(13, 0.4, n), 2.6)
    ev = (kind == 2)[:, None] * rng.uniform(1.5, 2.5, n)[:, None] * bump(rng.normal(1.5, 0.8, n), 1.8)
    return base + morning + evening - solar + ev + 0.04 * rng.normal(size=(n, HOURS))


train = torch.tensor(households(6000), dtype=torch.float32)
held = torch.tensor(households(1500), dtype=torch.float32)
mu, sd = train.mean(0), train.std(0)
data = (train - mu) / sd


class Schedule:
    def __init__(self, steps, lo=1e-4, hi=0.1):
        self.beta = torch.linspace(lo, hi, steps)
        self.alpha = 1 - self.beta
        self.abar = torch.cumprod(self.alpha, 0)

    def diffuse(self, x0, t, eps):
        a = self.alpha[t][:, None]
        return a.sqrt() * x0 + (1 - a).sqrt() * eps

    def reverse(self, x, t, eps_hat):
        mean = (x - self.beta[t] / (1 - self.abar[t]).sqrt() * eps_hat) / self.alpha[t].sqrt()
        if t == 0:
            return mean
        var = self.beta[t] * (1 - self.abar[t - 1]) / (1 - self.abar[t])
        return mean + var.sqrt() * torch.randn_like(x)


class Denoiser(nn.Module):
    def __init__(self, width=128, emb=64):
        super().__init__()
        self.register_buffer("freqs", torch.exp(-math.log(1000) * torch.arange(emb // 2) / (emb // 2)))
        self.temb = nn.Sequential(nn.Linear(emb, width), nn.SiLU(), nn.Linear(width, width))
        self.inp = nn.Linear(HOURS, width)
        self.blocks = nn.ModuleList(
            nn.Sequential(nn.LayerNorm(width), nn.Linear(width, width), nn.SiLU(), nn.Linear(width, width))
            for _ in range(3))
        self.out = nn.Linear(width, HOURS)

    def forward(self, x, t):
        ang = t[:, None].float() * self.freqs
        e = self.temb(torch.cat([ang.sin(), ang.cos()], 1))
        h = self.inp(x)
        for blk in self.blocks:
            h = h + blk(h + e)
        return self.out(h)


@torch.no_grad()
def sample(net, sch, n):
    net.eval()
    x = torch.randn(n, HOURS)
    for t in reversed(range(T)):
        x = sch.reverse(x, t, net(x, torch.full((n,), t)))
    net.train()
    return x * sd + mu


def energy_distance(a, b):
    a, b = a / sd, b / sd
    off = lambda d: d.sum() / (len(d) * (len(d) - 1))
    return (2 * torch.cdist(a, b).mean() - off(torch.cdist(a, a)) - off(torch.cdist(b, b))).item()


net, sch = Denoiser(), Schedule(T)
STEPS = 2500
opt = torch.optim.Adam(net.parameters(), lr=1e-3)
lrs = torch.optim.lr_scheduler.CosineAnnealingLR(opt, STEPS)
print(f"energy distance train/held-out: {energy_distance(train[:1500], held):.4f}")
avg = None
for step in range(1, STEPS + 1):
    x0 = data[torch.randint(len(data), (256,))]
    t = torch.randint(0, T, (256,))
    eps = torch.randn_like(x0)
    loss = (net(sch.diffuse(x0, t, eps), t) - eps).pow(2).mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
    lrs.step()
    avg = loss.item() if avg is None else 0.99 * avg + 0.01 * loss.item()
    if step % 500 == 0:
        s = sample(net, sch, 1000)
        print(f"{step:5d} loss {avg:.4f} | energy distance {energy_distance(s, held):.4f} | "
              f"daily kWh {s.sum(1).mean():.2f} +- {s.sum(1).std():.2f} "
              f"(real {held.sum(1).mean():.2f} +- {held.sum(1).std():.2f})")
