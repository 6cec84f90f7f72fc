# bug: the schedule is asked for the step within the epoch
# expects: OPT039
"""Next-6-hours forecast of a district's heat load with an LSTM."""
import math
import random
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn as nn


@dataclass
class Settings:
    history: int = 36
    ahead: int = 6
    hidden: int = 40
    epochs: int = 12
    batch: int = 64
    peak_lr: float = 0.6
    warmup: float = 0.1
    clip: float = 1.0
    seed: int = 21


def simulate_load(hours, seed):
    g = np.random.default_rng(seed)
    t = np.arange(hours)
    day = 1.2 * np.sin(2 * np.pi * t / 24 - 1.0) + 0.5 * np.sin(4 * np.pi * t / 24)
    week = np.where((t // 24) % 7 < 5, 0.5, -0.6)
    temp = np.zeros(hours)
    for i in range(1, hours):
        temp[i] = 0.985 * temp[i - 1] + g.normal(0, 0.12)
    return 20 + 4 * day * (1 + 0.3 * np.tanh(temp)) + 2 * week - 3 * temp + g.normal(0, 0.15, hours)


class Windows:
    def __init__(self, series, cfg):
        s = torch.tensor(series, dtype=torch.float32)
        w = s.unfold(0, cfg.history + cfg.ahead, 1)
        self.x, self.y = w[:, : cfg.history, None], w[:, cfg.history:]

    def __len__(self):
        return len(self.x)


class Forecaster(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.lstm = nn.LSTM(1, cfg.hidden, batch_first=True)
        self.out = nn.Linear(cfg.hidden, cfg.ahead)

    def forward(self, x):
        h, _ = self.lstm(x)
        return x[:, -1] + self.out(h[:, -1])


class Trainer:
    def __init__(self, cfg, model, train, val, scale):
        self.cfg, self.model, self.train_set, self.val_set, self.scale = cfg, model, train, val, scale
        self.opt = torch.optim.SGD(model.parameters(), lr=cfg.peak_lr, momentum=0.9)
        self.per_epoch = math.ceil(len(train) / cfg.batch)
        self.total = cfg.epochs * self.per_epoch

    def lr_at(self, step):
        warm = int(self.cfg.warmup * self.total)
        if step < warm:
            return self.cfg.peak_lr * (step + 1) / warm
        progress = (step - warm) / (self.total - warm)
        return 0.5 * self.cfg.peak_lr * (1 + math.cos(math.pi * progress))

    def train_epoch(self):
        self.model.train()
        losses = []
        for step, idx in enumerate(torch.randperm(len(self.train_set)).split(self.cfg.batch)):
            for group in self.opt.param_groups:
                group["lr"] = self.lr_at(step)
            pred = self.model(self.train_set.x[idx])
            loss = nn.functional.mse_loss(pred, self.train_set.y[idx])
            self.opt.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(self.model.parameters(), self.cfg.clip)
            self.opt.step()
            losses.append(loss.item())
        return sum(losses) / len(losses)

    @torch.no_grad()
    def validate(self):
        self.model.eval()
        pred = self.model(self.val_set.x)
        err = pred - self.val_set.y
        return err.pow(2).mean().item(), err.abs().mean().item() * self.scale

    def fit(self):
        for epoch in range(self.cfg.epochs):
            tr = self.train_epoch()
            mse, mae = self.validate()
            print(f"epoch {epoch + 1:2d}  train mse {tr:.4f}  val mse {mse:.4f}  val MAE {mae:.3f} MW")


def main():
    cfg = Settings()
    random.seed(cfg.seed)
    torch.manual_seed(cfg.seed)
    load = simulate_load(24 * 365, cfg.seed)
    cut = int(0.8 * len(load))
    mean, std = load[:cut].mean(), load[:cut].std()
    z = (load - mean) / std
    train, val = Windows(z[:cut], cfg), Windows(z[cut:], cfg)
    naive = (val.x[:, -1] - val.y).abs().mean().item() * std
    print(f"{len(train)} training windows, {len(val)} validation windows, persistence MAE {naive:.3f} MW")
    Trainer(cfg, Forecaster(cfg), train, val, std).fit()


if __name__ == "__main__":
    main()
