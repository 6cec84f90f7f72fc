# expects: OPT003
"""Day-ahead feeder load: a GRU reads two days of hourly history and predicts the next 12 hours."""
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn as nn


@dataclass
class Config:
    seed: int = 5
    hist: int = 48
    horizon: int = 12
    hidden: int = 32
    batch: int = 64
    epochs: int = 10
    peak_lr: float = 4e-3
    warmup: int = 60
    clip: float = 1.0


def make_series(hours, rng):
    t = np.arange(hours)
    daily = np.sin(2 * np.pi * t / 24 - 1.9) + 0.45 * np.sin(4 * np.pi * t / 24 + 0.6)
    weekend = ((t // 24) % 7 >= 5).astype(float)
    temp = np.zeros(hours)
    for i in range(1, hours):
        temp[i] = 0.97 * temp[i - 1] + 0.12 * rng.normal()
    load = 20 + 4 * daily * (1 - 0.45 * weekend) + 3 * temp - 2 * weekend + 0.4 * rng.normal(size=hours)
    return np.stack([load, temp, weekend], axis=1).astype(np.float32)


def windows(series, cfg, stride):
    starts = range(0, len(series) - cfg.hist - cfg.horizon + 1, stride)
    x = np.stack([series[s:s + cfg.hist] for s in starts])
    y = np.stack([series[s + cfg.hist:s + cfg.hist + cfg.horizon, 0] for s in starts])
    return torch.from_numpy(x), torch.from_numpy(y)


class Forecaster(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.rnn = nn.GRU(3, cfg.hidden, batch_first=True)
        self.out = nn.Linear(cfg.hidden, cfg.horizon)

    def forward(self, x):
        _, h = self.rnn(x)
        return self.out(h[-1])


class WarmupOptimizer:
    """Linear warm-up, then inverse square root decay."""

    def __init__(self, optimizer, peak_lr, warmup):
        self.optimizer, self.peak_lr, self.warmup, self.n = optimizer, peak_lr, warmup, 0

    def lr(self):
        return self.peak_lr * min(self.n / self.warmup, (self.warmup / self.n) ** 0.5)

    def step(self):
        self.n += 1
        for group in self.optimizer.param_groups:
            group["lr"] = self.lr()
        return self.optimizer.step()

    def zero_grad(self):
        return self.optimizer.zero_grad


class Trainer:
    def __init__(self, model, cfg):
        self.model, self.cfg = model, cfg
        self.opt = WarmupOptimizer(torch.optim.Adam(model.parameters(), lr=0.0), cfg.peak_lr, cfg.warmup)
        self.loss_fn = nn.SmoothL1Loss()

    def train_epoch(self, x, y):
        self.model.train()
        total = 0.0
        for idx in torch.randperm(len(x)).split(self.cfg.batch):
            self.opt.zero_grad()
            loss = self.loss_fn(self.model(x[idx]), y[idx])
            loss.backward()
            nn.utils.clip_grad_norm_(self.model.parameters(), self.cfg.clip)
            self.opt.step()
            total += loss.item() * len(idx)
        return total / len(x)

    @torch.no_grad()
    def mae(self, x, y, scale):
        self.model.eval()
        return (self.model(x) - y).abs().mean().item() * scale

    def fit(self, train, val, scale):
        for epoch in range(self.cfg.epochs):
            loss = self.train_epoch(*train)
            print(f"epoch {epoch + 1:2d}  lr {self.opt.lr():.5f}  loss {loss:.4f}  val MAE {self.mae(*val, scale):.3f} MW")


def main():
    cfg = Config()
    torch.manual_seed(cfg.seed)
    series = make_series(24 * 320, np.random.default_rng(cfg.seed))
    split = 24 * 250
    mean, std = series[:split].mean(0), series[:split].std(0)
    scaled = (series - mean) / std
    train = windows(scaled[:split], cfg, stride=2)
    val = windows(scaled[split:], cfg, stride=3)

    same_hour_yesterday = (val[0][:, -24:-24 + cfg.horizon, 0] - val[1]).abs().mean().item() * std[0]
    print(f"{len(train[0])} training windows; same-hour-yesterday MAE {same_hour_yesterday:.3f} MW")
    trainer = Trainer(Forecaster(cfg), cfg)
    trainer.fit(train, val, std[0])


if __name__ == "__main__":
    main()
