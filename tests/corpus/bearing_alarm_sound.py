# expects: nothing
"""Rare-fault detection on short vibration windows with a small 1-D CNN."""
import copy
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn as nn
from sklearn.metrics import average_precision_score
from torch.utils.data import DataLoader, TensorDataset


@dataclass
class Config:
    n_train: int = 6400
    n_val: int = 2000
    n_test: int = 3000
    length: int = 256
    fault_rate: float = 0.06
    batch_size: int = 64
    lr: float = 2e-4
    max_epochs: int = 16
    patience: int = 3
    seed: int = 11


def make_windows(n, cfg, rng):
    t = np.arange(cfg.length)
    y = (rng.random(n) < cfg.fault_rate).astype(np.float32)
    x = rng.normal(0, 1, (n, cfg.length))
    speed = rng.uniform(0.02, 0.05, n)
    x += np.sin(2 * np.pi * speed[:, None] * t + rng.uniform(0, 6.28, n)[:, None])
    for i in np.flatnonzero(y):
        period = rng.integers(36, 60)
        for start in range(rng.integers(0, period), cfg.length - 16, period):
            k = np.arange(16)
            x[i, start:start + 16] += 2.3 * np.exp(-k / 6) * np.sin(2 * np.pi * 0.27 * k)
    return torch.tensor(x[:, None], dtype=torch.float32), torch.tensor(y)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv1d(1, 16, 15, stride=2, padding=7), nn.BatchNorm1d(16), nn.ReLU(), nn.MaxPool1d(2),
            nn.Conv1d(16, 32, 9, padding=4), nn.BatchNorm1d(32), nn.ReLU(), nn.MaxPool1d(2),
            nn.Conv1d(32, 32, 5, padding=2), nn.ReLU(),
        )
        self.head = nn.Linear(32, 1)

    def forward(self, x):
        return self.head(self.features(x).mean(-1)).squeeze(-1)


class EarlyStopper:
    def __init__(self, patience):
        self.patience, self.best, self.bad, self.state = patience, -float("inf"), 0, None

    def step(self, score, model):
        if score > self.best:
            self.best, self.bad = score, 0
            self.state = copy.deepcopy(model.state_dict())
        else:
            self.bad += 1
        return self.bad >= self.patience


@torch.no_grad()
def predict(model, x):
    model.eval()
    return torch.cat([model(b) for b in x.split(500)])


def fit(cfg):
    rng = np.random.default_rng(cfg.seed)
    torch.manual_seed(cfg.seed)
    xtr, ytr = make_windows(cfg.n_train, cfg, rng)
    xva, yva = make_windows(cfg.n_val, cfg, rng)
    xte, yte = make_windows(cfg.n_test, cfg, rng)
    loader = DataLoader(TensorDataset(xtr, ytr), cfg.batch_size, shuffle=True, drop_last=True)
    model = Net()
    opt = torch.optim.AdamW(model.parameters(), lr=cfg.lr, weight_decay=1e-3)
    loss_fn = nn.BCEWithLogitsLoss()
    stopper = EarlyStopper(cfg.patience)
    for epoch in range(cfg.max_epochs):
        model.train()
        total = 0.0
        for xb, yb in loader:
            loss = loss_fn(model(xb), yb)
            opt.zero_grad()
            loss.backward()
            opt.step()
            total += loss.item()
        logits = predict(model, xva)
        val_loss = loss_fn(logits, yva).item()
        val_acc = ((logits > 0).float() == yva).float().mean().item()
        print(f"epoch {epoch + 1:2d}  train {total / len(loader):.4f}  val {val_loss:.4f}  val acc {val_acc:.4f}")
        if stopper.step(-val_loss, model):
            print("no improvement, stopping")
            break
    model.load_state_dict(stopper.state)
    scores = predict(model, xte).numpy()
    print(f"test average precision {average_precision_score(yte.numpy(), scores):.4f}")


if __name__ == "__main__":
    fit(Config())
