# bug: model.eval is not called (no parentheses) in test_rmse, so it is evaluated in train mode with dropout
# expects: MOD007
"""Remaining capacity of cells from summary features of their first cycles."""
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn


@dataclass
class Config:
    cells: int = 6000
    width: int = 160
    dropout: float = 0.2
    lr: float = 7e-4
    epochs: int = 50
    batch: int = 80
    seed: int = 31


class CellData:
    def __init__(self, cfg):
        rng = np.random.default_rng(cfg.seed)
        x = rng.normal(size=(cfg.cells, 9))
        fade = 0.8 * x[:, 0] + np.sin(1.5 * x[:, 1]) + 0.6 * x[:, 2] * x[:, 3]
        fade += 0.5 * np.abs(x[:, 4]) - 0.4 * x[:, 5] + rng.normal(0, 0.15, cfg.cells)
        capacity = 88.0 - 3.5 * fade
        order = rng.permutation(cfg.cells)
        cut = int(0.75 * cfg.cells)
        tr, te = order[:cut], order[cut:]
        self.y_mean, self.y_std = capacity[tr].mean(), capacity[tr].std()
        mu, sd = x[tr].mean(0), x[tr].std(0)
        z = torch.tensor((x - mu) / sd, dtype=torch.float32)
        y = torch.tensor((capacity - self.y_mean) / self.y_std, dtype=torch.float32)
        self.x_train, self.y_train = z[tr], y[tr]
        self.x_test, self.y_test = z[te], y[te]

    def batches(self, size):
        for idx in torch.randperm(len(self.x_train)).split(size):
            yield self.x_train[idx], self.y_train[idx]


class FadeNet(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        w = cfg.width
        self.inp = nn.Linear(9, w)
        self.mid = nn.Linear(w, w)
        self.out = nn.Linear(w, 1)
        self.drop = nn.Dropout(cfg.dropout)

    def forward(self, x):
        h = self.drop(torch.relu(self.inp(x)))
        h = self.drop(torch.relu(self.mid(h)))
        return self.out(h).squeeze(-1)


class Experiment:
    def __init__(self, cfg):
        torch.manual_seed(cfg.seed)
        self.cfg = cfg
        self.data = CellData(cfg)
        self.model = FadeNet(cfg)
        self.optimizer = torch.optim.RMSprop(self.model.parameters(), lr=cfg.lr)
        self.schedule = torch.optim.lr_scheduler.ExponentialLR(self.optimizer, gamma=0.95)

    def fit_epoch(self):
        self.model.train()
        losses = []
        for x, y in self.data.batches(self.cfg.batch):
            loss = (self.model(x) - y).square().mean()
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            losses.append(loss.item())
        self.schedule.step()
        return float(np.mean(losses))

    def test_rmse(self):
        self.model.eval
        with torch.no_grad():
            err = self.model(self.data.x_test) - self.data.y_test
        return err.square().mean().sqrt().item() * self.data.y_std

    def run(self):
        for epoch in range(self.cfg.epochs):
            loss = self.fit_epoch()
            if epoch % 5 == 4:
                print(f"epoch {epoch + 1:3d} loss {loss:.4f} test rmse {self.test_rmse():.3f} % capacity")


if __name__ == "__main__":
    Experiment(Config()).run()
