# bug: the forward-noise scale is 1 - sqrt(alpha_bar) instead of sqrt(1 - alpha_bar), so training inputs carry too little noise for their timestep and sampling does not match
# expects: LOS057
from dataclasses import dataclass, field
import copy
import math

import numpy as np
import torch
from torch import Tensor, nn


@dataclass
class Config:
    length: int = 24
    steps: int = 100
    width: int = 160
    batch: int = 128
    iterations: int = 1800
    lr: float = 1e-3
    ema: float = 0.995
    n_train: int = 6000
    n_test: int = 1500
    seed: int = 17
    betas: tuple = field(default=(1e-3, 0.09))


def pulse_waves(n: int, length: int, rng: np.random.Generator) -> Tensor:
    """Pulse-oximeter beats: a main peak, a dicrotic notch, two patient groups."""
    t = np.linspace(0, 1, length)[None]
    group = rng.random((n, 1)) < 0.4
    peak = np.where(group, rng.normal(0.25, 0.02, (n, 1)), rng.normal(0.40, 0.02, (n, 1)))
    amp = np.where(group, rng.normal(2.4, 0.15, (n, 1)), rng.normal(1.5, 0.15, (n, 1)))
    main = amp * np.exp(-((t - peak) ** 2) / 0.012)
    notch = 0.45 * amp * np.exp(-((t - peak - 0.33) ** 2) / 0.008)
    return torch.tensor(main + notch + rng.normal(0, 0.02, (n, length)), dtype=torch.float32)


class Diffusion:
    def __init__(self, cfg: Config):
        self.steps = cfg.steps
        self.betas = torch.linspace(*cfg.betas, cfg.steps)
        self.alphas = 1.0 - self.betas
        self.alpha_bar = torch.cumprod(self.alphas, dim=0)
        self.signal = self.alpha_bar.sqrt()
        self.sigma = 1.0 - self.alpha_bar.sqrt()

    def add_noise(self, x0: Tensor, t: Tensor, noise: Tensor) -> Tensor:
        return self.signal[t, None] * x0 + self.sigma[t, None] * noise

    @torch.no_grad()
    def sample(self, net: nn.Module, n: int, length: int) -> Tensor:
        x = torch.randn(n, length)
        for i in reversed(range(self.steps)):
            t = torch.full((n,), i)
            eps = net(x, t)
            x = (x - self.betas[i] / (1.0 - self.alpha_bar[i]).sqrt() * eps) / self.alphas[i].sqrt()
            if i > 0:
                x = x + self.betas[i].sqrt() * torch.randn_like(x)
        return x


class Denoiser(nn.Module):
    def __init__(self, cfg: Config):
        super().__init__()
        half = 16
        self.register_buffer("freqs", torch.exp(-math.log(1000.0) * torch.arange(half) / half))
        self.time = nn.Sequential(nn.Linear(2 * half, cfg.width), nn.SiLU())
        self.inp = nn.Linear(cfg.length, cfg.width)
        self.mid = nn.ModuleList(
            nn.Sequential(nn.LayerNorm(cfg.width), nn.Linear(cfg.width, cfg.width), nn.SiLU(),
                          nn.Linear(cfg.width, cfg.width)) for _ in range(3))
        self.out = nn.Linear(cfg.width, cfg.length)

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        angle = t[:, None].float() * self.freqs
        emb = self.time(torch.cat([angle.sin(), angle.cos()], dim=1))
        h = self.inp(x)
        for block in self.mid:
            h = h + block(h + emb)
        return self.out(h)


def sliced_distance(a: Tensor, b: Tensor, n_proj: int = 200) -> float:
    g = torch.Generator().manual_seed(0)
    proj = torch.randn(a.size(1), n_proj, generator=g)
    proj = proj / proj.norm(dim=0)
    return ((a @ proj).sort(dim=0).values - (b @ proj).sort(dim=0).values).abs().mean().item()


def main(cfg: Config = Config()) -> None:
    torch.manual_seed(cfg.seed)
    rng = np.random.default_rng(cfg.seed)
    train = pulse_waves(cfg.n_train, cfg.length, rng)
    test = pulse_waves(cfg.n_test, cfg.length, rng)
    mean, std = train.mean(), train.std()
    data = (train - mean) / std

    diffusion = Diffusion(cfg)
    net = Denoiser(cfg)
    average = copy.deepcopy(net).requires_grad_(False)
    optim = torch.optim.Adam(net.parameters(), lr=cfg.lr)
    sched = torch.optim.lr_scheduler.LinearLR(optim, 1.0, 0.05, total_iters=cfg.iterations)

    running = None
    for it in range(1, cfg.iterations + 1):
        x0 = data[torch.randint(len(data), (cfg.batch,))]
        t = torch.randint(cfg.steps, (cfg.batch,))
        noise = torch.randn_like(x0)
        loss = (net(diffusion.add_noise(x0, t, noise), t) - noise).pow(2).mean()
        optim.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optim.step()
        sched.step()
        with torch.no_grad():
            for p, q in zip(average.parameters(), net.parameters()):
                p.lerp_(q, 1 - cfg.ema)
        running = loss.item() if running is None else 0.98 * running + 0.02 * loss.item()
        if it % 600 == 0:
            made = diffusion.sample(average, cfg.n_test, cfg.length) * std + mean
            print(f"iter {it}: noise loss {running:.4f}, sliced distance to held-out {sliced_distance(made, test):.4f}")

    floor = sliced_distance(train[: cfg.n_test], test)
    print(f"train-vs-held-out distance (floor) {floor:.4f}")


if __name__ == "__main__":
    main()
