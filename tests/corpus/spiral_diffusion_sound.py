# expects: nothing
"""DDPM on a two-armed spiral; sample quality by energy distance to held-out points."""
from dataclasses import dataclass

import torch
from torch import nn


@dataclass
class Hyper:
    steps: int = 60
    beta_min: float = 1e-3
    beta_max: float = 0.12
    width: int = 96
    emb: int = 32
    batch: int = 256
    iters: int = 3500
    lr: float = 2e-3
    seed: int = 2


def spiral(n):
    arm = torch.randint(0, 2, (n,)).float()
    r = 0.3 + 1.7 * torch.rand(n)
    angle = 3.2 * r + torch.pi * arm
    return torch.stack([r * angle.cos(), r * angle.sin()], 1) + 0.04 * torch.randn(n, 2)


class NoiseNet(nn.Module):
    def __init__(self, hp):
        super().__init__()
        self.steps = hp.steps
        self.register_buffer("freqs", torch.pi * 2.0 ** torch.linspace(-1, 4, hp.emb // 2))
        self.inp = nn.Linear(2, hp.width)
        self.time = nn.Sequential(nn.Linear(hp.emb, hp.width), nn.SiLU())
        self.layers = nn.ModuleList(nn.Linear(2 * hp.width, hp.width) for _ in range(3))
        self.out = nn.Linear(hp.width, 2)

    def time_features(self, t):
        phase = t[:, None] / self.steps * self.freqs
        return torch.cat([phase.sin(), phase.cos()], dim=1)

    def forward(self, x, t):
        emb = self.time(self.time_features(t))
        h = torch.nn.functional.silu(self.inp(x))
        for layer in self.layers:
            h = h + torch.nn.functional.silu(layer(torch.cat([h, emb], dim=1)))
        return self.out(h)


class Diffusion:
    def __init__(self, hp):
        self.hp = hp
        self.beta = torch.linspace(hp.beta_min, hp.beta_max, hp.steps)
        self.alpha = 1 - self.beta
        self.abar = self.alpha.cumprod(0)

    def loss(self, net, x0):
        t = torch.randint(0, self.hp.steps, (len(x0),))
        eps = torch.randn_like(x0)
        a = self.abar[t][:, None]
        return (net(a.sqrt() * x0 + (1 - a).sqrt() * eps, t) - eps).square().mean()

    @torch.no_grad()
    def sample(self, net, n):
        x = torch.randn(n, 2)
        for k in reversed(range(self.hp.steps)):
            t = torch.full((n,), k)
            eps = net(x, t)
            x = (x - self.beta[k] / (1 - self.abar[k]).sqrt() * eps) / self.alpha[k].sqrt()
            if k > 0:
                var = self.beta[k] * (1 - self.abar[k - 1]) / (1 - self.abar[k])
                x = x + var.sqrt() * torch.randn_like(x)
        return x


def energy_distance(a, b):
    return (2 * torch.cdist(a, b).mean() - torch.cdist(a, a).mean() - torch.cdist(b, b).mean()).item()


def off_curve(sample, reference):
    """Share of samples without a held-out point within 0.15."""
    return (torch.cdist(sample, reference).amin(1) > 0.15).float().mean().item()


def main(hp=Hyper()):
    torch.manual_seed(hp.seed)
    train, held_out = spiral(8000), spiral(1500)
    mu, sd = train.mean(0), train.std(0)
    data = (train - mu) / sd
    net, ddpm = NoiseNet(hp), Diffusion(hp)
    opt = torch.optim.Adam(net.parameters(), lr=hp.lr)
    sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, hp.iters)
    running = 0.0
    for it in range(1, hp.iters + 1):
        loss = ddpm.loss(net, data[torch.randint(len(data), (hp.batch,))])
        opt.zero_grad()
        loss.backward()
        opt.step()
        sched.step()
        running += loss.item()
        if it % 500 == 0:
            s = ddpm.sample(net, 1500) * sd + mu
            print(f"iter {it}  loss {running / 500:.4f}  energy distance {energy_distance(s, held_out):.4f}  "
                  f"off the curve {off_curve(s, held_out):.3f}")
            running = 0.0


if __name__ == "__main__":
    main()
