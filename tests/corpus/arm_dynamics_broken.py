# bug: warm-up sets the rate anew in each epoch
# expects: OPT032 OPT039
# Forward dynamics of a 3-joint arm: (angles, velocities, torques) -> accelerations.
from dataclasses import dataclass, field
from typing import List

import numpy as np
import torch
from torch import nn


@dataclass
class Hyper:
    n_train: int = 14000
    n_val: int = 1000
    width: int = 64
    depth: int = 2
    batch: int = 16
    epochs: int = 14
    lr: float = 0.25
    momentum: float = 0.9
    warmup_steps: int = 60
    milestones: List[int] = field(default_factory=lambda: [7, 10, 12])
    gamma: float = 0.2
    seed: int = 21


def simulate(n, rng):
    q = rng.uniform(-2, 2, (n, 3))
    qd = rng.normal(0, 1, (n, 3))
    tau = rng.normal(0, 2, (n, 3))
    c = np.cos(q)
    m = np.stack([2.2 + c[:, 1], 1.6 + 0.7 * c[:, 2], 1.0 + 0.3 * np.cos(q[:, 1] + q[:, 2])], 1)
    grav = np.stack([2.0 * np.sin(q[:, 0]), 1.2 * np.sin(q[:, 0] + q[:, 1]), 0.6 * np.sin(q.sum(1))], 1)
    cor = 0.4 * np.stack([qd[:, 0] * qd[:, 1] * np.sin(q[:, 1]), -qd[:, 0] ** 2 * np.sin(q[:, 1]),
                          qd[:, 1] ** 2 * np.sin(q[:, 2])], 1)
    acc = (tau - grav - cor - 0.2 * qd) / m
    x = np.concatenate([np.sin(q), np.cos(q), qd, tau], 1)
    return x.astype(np.float32), (acc + rng.normal(0, 0.4, acc.shape)).astype(np.float32)


class Block(nn.Module):
    def __init__(self, w):
        super().__init__()
        self.net = nn.Sequential(nn.LayerNorm(w), nn.Linear(w, w), nn.SiLU(), nn.Linear(w, w))

    def forward(self, h):
        return h + self.net(h)


def make_model(d_in, d_out, hp):
    return nn.Sequential(nn.Linear(d_in, hp.width), *[Block(hp.width) for _ in range(hp.depth)],
                         nn.LayerNorm(hp.width), nn.Linear(hp.width, d_out))


class Learner:
    def __init__(self, model, hp):
        self.model, self.hp = model, hp
        self.opt = torch.optim.SGD(model.parameters(), lr=hp.lr, momentum=hp.momentum)
        self.sched = torch.optim.lr_scheduler.MultiStepLR(self.opt, hp.milestones, hp.gamma)
        self.loss = nn.MSELoss()
        self.global_step = 0

    def warm_up(self, step):
        if step < self.hp.warmup_steps:
            for g in self.opt.param_groups:
                g["lr"] = self.hp.lr * (step + 1) / self.hp.warmup_steps

    def train_epoch(self, x, y):
        self.model.train()
        total = 0.0
        for step, idx in enumerate(torch.randperm(len(x)).split(self.hp.batch)):
            self.warm_up(step)
            loss = self.loss(self.model(x[idx]), y[idx])
            self.opt.zero_grad()
            loss.backward()
            self.opt.step()
            self.global_step += 1
            total += loss.item() * len(idx)
        self.sched.step()
        return total / len(x)

    @torch.no_grad()
    def validate(self, x, y):
        self.model.eval()
        p = self.model(x)
        mse = self.loss(p, y).item()
        r2 = 1 - ((p - y) ** 2).sum() / ((y - y.mean(0)) ** 2).sum()
        return mse, r2.item()


def run(hp):
    torch.manual_seed(hp.seed)
    rng = np.random.default_rng(hp.seed)
    (xt, yt), (xv, yv) = simulate(hp.n_train, rng), simulate(hp.n_val, rng)
    mx, sx, my, sy = xt.mean(0), xt.std(0), yt.mean(0), yt.std(0)
    xt, xv = (torch.from_numpy((a - mx) / sx) for a in (xt, xv))
    yt, yv = (torch.from_numpy((a - my) / sy) for a in (yt, yv))
    learner = Learner(make_model(xt.shape[1], 3, hp), hp)
    for ep in range(hp.epochs):
        tr = learner.train_epoch(xt, yt)
        mse, r2 = learner.validate(xv, yv)
        print(f"[{ep:02d}] train {tr:.5f} | val mse {mse:.5f} | R2 {r2:.4f}")
    return mse


if __name__ == "__main__":
    run(Hyper())
