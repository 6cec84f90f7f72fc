# bug: the noised input is built with sqrt(abar) and sqrt(1 - abar) exchanged
# expects: LOS057
from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass
class Schedule:
    steps: int = 40

    def __post_init__(self):
        u = torch.linspace(0, 1, self.steps + 1)
        f = torch.cos((u + 0.008) / 1.008 * math.pi / 2) ** 2
        self.abar = (f / f[0])[1:].clamp(1e-4, 0.9999)
        prev = torch.cat([torch.ones(1), self.abar[:-1]])
        self.beta = (1 - self.abar / prev).clamp(max=0.95)

    def noise_to(self, x0: Tensor, k: Tensor, eps: Tensor) -> Tensor:
        keep, add = self.abar[k].sqrt(), (1 - self.abar[k]).sqrt()
        return add[:, None] * x0 + keep[:, None] * eps


def sinusoid(k: Tensor, dim: int = 16) -> Tensor:
    freq = torch.exp(-torch.arange(dim // 2) * math.log(200.0) / (dim // 2))
    a = k[:, None].float() * freq
    return torch.cat([a.sin(), a.cos()], 1)


class CurveDenoiser(nn.Module):
    """Predicts the noise in a curve of 16 samples."""

    def __init__(self, length: int = 16, width: int = 160):
        super().__init__()
        self.inp = nn.Linear(length, width)
        self.cond = nn.Linear(16, width)
        self.mid = nn.Sequential(nn.GELU(), nn.Linear(width, width), nn.GELU(), nn.Linear(width, width), nn.GELU())
        self.out = nn.Linear(width, length)

    def forward(self, x: Tensor, k: Tensor) -> Tensor:
        return self.out(self.mid(self.inp(x) + self.cond(sinusoid(k))))


def curves(n: int, g: torch.Generator) -> Tensor:
    t = torch.linspace(0, 1, 16)
    ph = torch.rand(n, 1, generator=g) * 2 * math.pi
    return math.sqrt(2) * torch.sin(2 * math.pi * t + ph)


class DiffusionTrainer:
    def __init__(self, net: nn.Module, schedule: Schedule, lr: float = 2e-3, seed: int = 0):
        self.net, self.s = net, schedule
        self.g = torch.Generator().manual_seed(seed)
        self.opt = torch.optim.AdamW(net.parameters(), lr=lr)
        self.cool = torch.optim.lr_scheduler.ExponentialLR(self.opt, 0.88)

    def fit(self, data: Tensor, epochs: int, batch: int = 128) -> None:
        self.net.train()
        for epoch in range(epochs):
            losses = []
            for rows in torch.randperm(len(data), generator=self.g).split(batch):
                x0 = data[rows]
                k = torch.randint(self.s.steps, (len(x0),), generator=self.g)
                eps = torch.randn(x0.shape, generator=self.g)
                loss = nn.functional.mse_loss(self.net(self.s.noise_to(x0, k, eps), k), eps)
                self.opt.zero_grad()
                loss.backward()
                self.opt.step()
                losses.append(loss.item())
            self.cool.step()
            print(f"epoch {epoch} noise mse {sum(losses) / len(losses):.4f}")

    @torch.no_grad()
    def sample(self, n: int) -> Tensor:
        self.net.eval()
        x = torch.randn(n, 16, generator=self.g)
        for i in range(self.s.steps - 1, -1, -1):
            k = torch.full((n,), i)
            e = self.net(x, k)
            a = self.s.abar[i]
            x0 = ((x - (1 - a).sqrt() * e) / a.sqrt()).clamp(-2, 2)
            a_prev = self.s.abar[i - 1] if i else torch.tensor(1.0)
            x = a_prev.sqrt() * x0 + (1 - a_prev).sqrt() * e
        return x


def sine_misfit(x: Tensor) -> float:
    """RMS residual after projecting on sin and cos of one period."""
    t = torch.linspace(0, 1, 16)
    basis = torch.stack([torch.sin(2 * math.pi * t), torch.cos(2 * math.pi * t)], 1)
    coef = torch.linalg.lstsq(basis, x.t()).solution
    return (x.t() - basis @ coef).pow(2).mean().sqrt().item()


if __name__ == "__main__":
    torch.manual_seed(0)
    trainer = DiffusionTrainer(CurveDenoiser(), Schedule())
    trainer.fit(curves(5000, torch.Generator().manual_seed(1)), epochs=24)
    print(f"rms misfit of samples to a sine: {sine_misfit(trainer.sample(500)):.3f}")
