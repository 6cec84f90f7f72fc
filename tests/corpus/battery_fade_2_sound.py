# expects: nothing
"""Predict the remaining capacity of a cell from summary features of its cycling history."""
import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.optim.lr_scheduler import LambdaLR


@dataclass
class Config:
    seed: int = 11
    cells: int = 9000
    width: int = 96
    batch: int = 128
    epochs: int = 75
    peak_lr: float = 2e-3
    warmup: int = 100
    weight_decay: float = 1e-4


def make_cells(n, rng):
    cycles = rng.uniform(50, 1500, n)
    temp = rng.normal(28, 8, n)
    depth = rng.uniform(0.2, 1.0, n)
    c_rate = rng.lognormal(0.0, 0.35, n)
    rest = rng.uniform(0, 24, n)
    soc = rng.uniform(0.3, 0.95, n)
    stress = np.exp(0.045 * (temp - 25)) * depth ** 1.3 * (1 + 0.4 * np.maximum(c_rate - 1, 0))
    fade = 0.35 * np.sqrt(cycles / 1500) * stress + 0.004 * rest * soc ** 2
    fade += 0.12 / (1 + np.exp(-(cycles * stress - 1100) / 120))
    capacity = 1.0 - fade + rng.normal(0, 0.01, n)
    feats = np.stack([cycles, temp, depth, c_rate, rest, soc], 1)
    return feats.astype(np.float32), capacity.astype(np.float32)


class FadeNet(nn.Module):
    def __init__(self, d, width):
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(d, width), nn.SiLU(),
            nn.Linear(width, width), nn.SiLU(),
            nn.Linear(width, 1),
        )

    def forward(self, x):
        return self.net(x).squeeze(-1)


def warmup_cosine(cfg, total):
    def at(step):
        if step < cfg.warmup:
            return (step + 1) / cfg.warmup
        done = (step - cfg.warmup) / max(1, total - cfg.warmup)
        return 0.5 * (1 + math.cos(math.pi * done))
    return at


def main(cfg):
    torch.manual_seed(cfg.seed)
    rng = np.random.default_rng(cfg.seed)
    x, y = make_cells(cfg.cells, rng)
    a, b = int(0.7 * cfg.cells), int(0.85 * cfg.cells)
    mu, sd = x[:a].mean(0), x[:a].std(0)
    ym, ys = float(y[:a].mean()), float(y[:a].std())
    x = torch.from_numpy((x - mu) / sd)
    y = torch.from_numpy((y - ym) / ys)
    x_tr, y_tr = x[:a], y[:a]

    model = FadeNet(x.shape[1], cfg.width)
    opt = torch.optim.AdamW(model.parameters(), lr=cfg.peak_lr, weight_decay=cfg.weight_decay)
    per_epoch = math.ceil(a / cfg.batch)
    sched = LambdaLR(opt, warmup_cosine(cfg, per_epoch * cfg.epochs))

    def rmse(lo, hi):
        model.eval()
        with torch.no_grad():
            err = (model(x[lo:hi]) - y[lo:hi]).pow(2).mean().sqrt().item()
        return err * ys

    for epoch in range(cfg.epochs):
        model.train()
        total = 0.0
        for idx in torch.randperm(a).split(cfg.batch):
            loss = nn.functional.mse_loss(model(x_tr[idx]), y_tr[idx])
            opt.zero_grad()
            loss.backward()
            opt.step()
            sched.step()
            total += loss.item() * len(idx)
        if epoch % 5 == 4:
            print(f"epoch {epoch + 1:3d}  train mse {total / a:.4f}  val rmse {rmse(a, b):.4f} Ah")
    print(f"test rmse {rmse(b, cfg.cells):.4f} Ah (target spread {ys:.4f})")


if __name__ == "__main__":
    main(Config())
