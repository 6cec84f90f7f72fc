# bug: Mixer.forward returns down(h) without adding x, so a 20-deep trunk has no residual path
# expects: MOD034
from dataclasses import dataclass

import torch
from torch import nn


@dataclass
class Config:
    features: int = 12
    width: int = 48
    depth: int = 20
    rows: int = 4000
    held_out: int = 1000
    batch: int = 100
    epochs: int = 14
    lr: float = 1e-3
    seed: int = 3


def kiln_data(cfg):
    """Settings of a rotary kiln and the strength of the clinker it gives."""
    g = torch.Generator().manual_seed(cfg.seed)
    n = cfg.rows + cfg.held_out
    x = torch.rand(n, cfg.features, generator=g) * 2 - 1
    y = (
        2 * torch.sin(3 * x[:, 0] * x[:, 1])
        + 1.5 * torch.cos(4 * x[:, 2])
        + 2 * x[:, 3] * x[:, 4]
        + (x[:, 5] - 0.3).abs() * 2
        + x[:, 6] ** 2 * x[:, 7]
    )
    y = y + 0.1 * torch.randn(n, generator=g)
    return (x[:cfg.rows], y[:cfg.rows]), (x[cfg.rows:], y[cfg.rows:])


class Mixer(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.up = nn.Linear(width, width)
        self.gate = nn.Linear(width, width)
        self.down = nn.Linear(width, width)

    def forward(self, x):
        h = self.norm(x)
        h = torch.nn.functional.silu(self.gate(h)) * self.up(h)
        return self.down(h)


class KilnNet(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.inp = nn.Linear(cfg.features, cfg.width)
        self.trunk = nn.ModuleList(Mixer(cfg.width) for _ in range(cfg.depth))
        self.final = nn.LayerNorm(cfg.width)
        self.out = nn.Linear(cfg.width, 1)

    def forward(self, x):
        x = self.inp(x)
        for layer in self.trunk:
            x = layer(x)
        return self.out(self.final(x)).squeeze(-1)


class Runner:
    def __init__(self, cfg):
        torch.manual_seed(cfg.seed)
        self.cfg = cfg
        (self.x, y), (self.hx, self.hy) = kiln_data(cfg)
        self.mean, self.std = y.mean(), y.std()
        self.y = (y - self.mean) / self.std
        self.net = KilnNet(cfg)
        self.opt = torch.optim.AdamW(self.net.parameters(), lr=cfg.lr, weight_decay=0.01)
        total = cfg.epochs * (cfg.rows // cfg.batch)
        warm = torch.optim.lr_scheduler.LinearLR(self.opt, 0.05, 1.0, total_iters=40)
        decay = torch.optim.lr_scheduler.CosineAnnealingLR(self.opt, total - 40)
        self.sched = torch.optim.lr_scheduler.SequentialLR(self.opt, [warm, decay], [40])

    def epoch(self):
        running = 0.0
        for idx in torch.randperm(len(self.x)).split(self.cfg.batch):
            self.opt.zero_grad()
            loss = nn.functional.mse_loss(self.net(self.x[idx]), self.y[idx])
            loss.backward()
            nn.utils.clip_grad_norm_(self.net.parameters(), 1.0)
            self.opt.step()
            self.sched.step()
            running += loss.item() * len(idx)
        return running / len(self.x)

    @torch.no_grad()
    def r2(self):
        self.net.eval()
        pred = self.net(self.hx) * self.std + self.mean
        self.net.train()
        return (1 - (pred - self.hy).pow(2).mean() / self.hy.var()).item()

    def fit(self):
        for e in range(self.cfg.epochs):
            print(f"[{e + 1:02d}/{self.cfg.epochs}] train mse {self.epoch():.4f} held-out R2 {self.r2():.4f}")


if __name__ == "__main__":
    Runner(Config()).fit()
