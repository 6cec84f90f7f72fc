# expects: nothing
"""Compressive strength of concrete mixes from the recipe and the curing age."""
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset


@dataclass
class Config:
    n_mixes: int = 8000
    width: int = 128
    depth: int = 3
    p_drop: float = 0.4
    batch_size: int = 128
    epochs: int = 40
    lr: float = 2e-3
    weight_decay: float = 1e-3
    seed: int = 7


def lab_data(cfg):
    r = np.random.default_rng(cfg.seed)
    n = cfg.n_mixes
    cement = r.uniform(120, 520, n)
    slag = r.uniform(0, 250, n) * (r.random(n) < 0.6)
    ash = r.uniform(0, 180, n) * (r.random(n) < 0.5)
    water = r.uniform(130, 230, n)
    plast = r.uniform(0, 20, n)
    coarse = r.uniform(800, 1120, n)
    fine = r.uniform(600, 950, n)
    age = np.exp(r.uniform(np.log(2), np.log(365), n))
    binder = cement + 0.75 * slag + 0.4 * ash
    ratio = (water - 1.6 * plast) / binder
    cure = age / (age + 4 + 10 * (slag + ash) / binder)
    strength = 110 * np.exp(-1.55 * ratio) * cure + 4 * np.sin(coarse / 60) * cure + r.normal(0, 2.0, n)
    x = np.stack([cement, slag, ash, water, plast, coarse, fine, np.log(age)], 1).astype(np.float32)
    return torch.from_numpy(x), torch.from_numpy(strength.astype(np.float32)[:, None])


class Block(nn.Module):
    def __init__(self, d_in, d_out):
        super().__init__()
        self.fc = nn.Linear(d_in, d_out)
        self.norm = nn.BatchNorm1d(d_out)
        self.act = nn.ReLU()

    def forward(self, x):
        return self.act(self.norm(self.fc(x)))


class StrengthNet(nn.Module):
    def __init__(self, d_in, cfg):
        super().__init__()
        sizes = [d_in] + [cfg.width] * cfg.depth
        self.blocks = nn.Sequential(*[Block(a, b) for a, b in zip(sizes, sizes[1:])])
        self.drop = nn.Dropout(cfg.p_drop)
        self.out = nn.Linear(cfg.width, 1)

    def forward(self, x):
        return self.out(self.drop(self.blocks(x)))


class Trainer:
    def __init__(self, cfg):
        self.cfg = cfg
        torch.manual_seed(cfg.seed)
        x, y = lab_data(cfg)
        perm = torch.randperm(len(x))
        n_val = len(x) // 5
        va, tr = perm[:n_val], perm[n_val:]
        self.x_mean, self.x_std = x[tr].mean(0), x[tr].std(0)
        self.y_mean, self.y_std = y[tr].mean(), y[tr].std()
        self.train_loader = DataLoader(TensorDataset(self.scale(x[tr]), (y[tr] - self.y_mean) / self.y_std),
                                       batch_size=cfg.batch_size, shuffle=True, drop_last=True)
        self.x_val, self.y_val = self.scale(x[va]), y[va]
        self.model = StrengthNet(x.shape[1], cfg)
        self.opt = torch.optim.AdamW(self.model.parameters(), lr=cfg.lr, weight_decay=cfg.weight_decay)
        self.sched = torch.optim.lr_scheduler.CosineAnnealingLR(self.opt, cfg.epochs)
        self.loss_fn = nn.MSELoss()

    def scale(self, x):
        return (x - self.x_mean) / self.x_std

    def train_epoch(self):
        self.model.train()
        total, seen = 0.0, 0
        for xb, yb in self.train_loader:
            self.opt.zero_grad()
            loss = self.loss_fn(self.model(xb), yb)
            loss.backward()
            self.opt.step()
            total += loss.item() * len(xb)
            seen += len(xb)
        self.sched.step()
        return total / seen

    @torch.no_grad()
    def validate(self):
        self.model.eval()
        pred = self.model(self.x_val) * self.y_std + self.y_mean
        err = pred - self.y_val
        rmse = err.pow(2).mean().sqrt().item()
        r2 = 1 - (err.pow(2).sum() / (self.y_val - self.y_val.mean()).pow(2).sum()).item()
        return rmse, r2, err.mean().item()

    def fit(self):
        for epoch in range(1, self.cfg.epochs + 1):
            loss = self.train_epoch()
            if epoch % 5 == 0 or epoch == 1:
                rmse, r2, bias = self.validate()
                print(f"epoch {epoch:3d}  train mse {loss:.4f}  val rmse {rmse:.2f} MPa  R2 {r2:.3f}  bias {bias:+.2f}")


if __name__ == "__main__":
    Trainer(Config()).fit()
