# expects: nothing
"""Matrix factorisation on ratings, trained on pre-emptible machines.

Every slice starts as a fresh process would: build a Trainer, pick up the last checkpoint, work for a couple of epochs, save.
"""
import os
import tempfile
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn as nn


@dataclass
class Config:
    users: int = 500
    items: int = 300
    rank: int = 12
    lr: float = 0.3
    batch: int = 256
    epochs_per_slice: int = 1
    slices: int = 24
    seed: int = 21


def make_ratings(cfg):
    g = np.random.default_rng(cfg.seed)
    p, q = g.normal(size=(cfg.users, 5)), g.normal(size=(cfg.items, 5))
    bu, bi = g.normal(0, 0.4, cfg.users), g.normal(0, 0.5, cfg.items)
    u = g.integers(0, cfg.users, 45000)
    i = np.minimum(g.geometric(0.008, 45000) - 1, cfg.items - 1)
    r = 3.4 + bu[u] + bi[i] + 0.4 * (p[u] * q[i]).sum(1) + g.normal(0, 0.3, len(u))
    pairs = np.unique(np.stack([u, i], 1), axis=0, return_index=True)[1]
    order = g.permutation(pairs)
    cut = int(0.85 * len(order))
    pack = lambda ix: (torch.tensor(u[ix]), torch.tensor(i[ix]), torch.tensor(r[ix], dtype=torch.float32))
    return pack(order[:cut]), pack(order[cut:])


class Factors(nn.Module):
    def __init__(self, cfg, mean):
        super().__init__()
        self.p = nn.Embedding(cfg.users, cfg.rank)
        self.q = nn.Embedding(cfg.items, cfg.rank)
        self.bu = nn.Embedding(cfg.users, 1)
        self.bi = nn.Embedding(cfg.items, 1)
        self.register_buffer("mean", mean)
        for e in (self.p, self.q):
            nn.init.normal_(e.weight, std=0.1)
        for e in (self.bu, self.bi):
            nn.init.zeros_(e.weight)

    def forward(self, u, i):
        return self.mean + self.bu(u)[:, 0] + self.bi(i)[:, 0] + (self.p(u) * self.q(i)).sum(1)


class Trainer:
    def __init__(self, cfg, train, valid):
        torch.manual_seed(cfg.seed)
        self.cfg, self.train, self.valid = cfg, train, valid
        self.model = Factors(cfg, train[2].mean())
        self.optimizer = self.configure_optimizer()
        self.epoch = 0

    def configure_optimizer(self):
        return torch.optim.Adagrad(self.model.parameters(), lr=self.cfg.lr)

    def save(self, path):
        torch.save({"model": self.model.state_dict(), "optimizer": self.optimizer.state_dict(),
                    "epoch": self.epoch}, path)

    def load(self, path):
        ck = torch.load(path)
        self.model.load_state_dict(ck["model"])
        self.optimizer.load_state_dict(ck["optimizer"])
        self.epoch = ck["epoch"]

    def run_epoch(self):
        u, i, r = self.train
        order = torch.randperm(len(r), generator=torch.Generator().manual_seed(self.cfg.seed + self.epoch))
        total = 0.0
        self.model.train()
        for ix in order.split(self.cfg.batch):
            pu, qi = self.model.p(u[ix]), self.model.q(i[ix])
            mse = (self.model(u[ix], i[ix]) - r[ix]).pow(2).mean()
            reg = pu.pow(2).sum(1).mean() + qi.pow(2).sum(1).mean()
            self.optimizer.zero_grad()
            (mse + 0.03 * reg).backward()
            self.optimizer.step()
            total += mse.item() * len(ix)
        self.epoch += 1
        return total / len(r)

    @torch.no_grad()
    def rmse(self):
        self.model.eval()
        u, i, r = self.valid
        return (self.model(u, i) - r).pow(2).mean().sqrt().item()

    def fit(self, epochs):
        for _ in range(epochs):
            mse = self.run_epoch()
        print(f"epoch {self.epoch:3d}  train mse {mse:.4f}  valid rmse {self.rmse():.4f}")


def main():
    cfg = Config()
    train, valid = make_ratings(cfg)
    print(f"{len(train[2])} train / {len(valid[2])} valid ratings, spread {valid[2].std():.3f}")
    with tempfile.TemporaryDirectory() as d:
        path = os.path.join(d, "last.pt")
        for _ in range(cfg.slices):
            job = Trainer(cfg, train, valid)
            if os.path.exists(path):
                job.load(path)
            job.fit(cfg.epochs_per_slice)
            job.save(path)


if __name__ == "__main__":
    main()
