# expects: nothing
"""1-D residual network for heart beats: normal, premature ventricular, bundle block, atrial premature (simulated leads)."""
import math
from types import SimpleNamespace

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

CLASSES = ("N", "V", "B", "A")


def bump(t, at, width, height):
    return height * np.exp(-0.5 * ((t - at) / width) ** 2)


def beat(kind, rng, n=64):
    t = np.linspace(0, 1, n)
    j = lambda s: rng.normal(scale=s)
    p, q = 0.22 + j(0.015), 0.45 + j(0.02)
    gain = rng.uniform(0.7, 1.3)
    if kind == 0:
        w = bump(t, p, 0.03, 0.2) + bump(t, q, 0.015, 1.0) - bump(t, q + 0.04, 0.015, 0.25) + bump(t, q + 0.27, 0.05, 0.3)
    elif kind == 1:
        w = bump(t, q, 0.045 + abs(j(0.008)), 1.1) - bump(t, q + 0.22, 0.07, 0.4)
    elif kind == 2:
        w = bump(t, p, 0.03, 0.2) + bump(t, q, 0.02, 0.7) + bump(t, q + 0.07, 0.02, 0.6) - bump(t, q + 0.3, 0.05, 0.2)
    else:
        w = bump(t, p + 0.1, 0.025, 0.2) + bump(t, q, 0.015, 1.0) - bump(t, q + 0.04, 0.015, 0.25) + bump(t, q + 0.27, 0.05, 0.3)
    wander = 0.15 * np.sin(2 * np.pi * (rng.uniform(0.3, 1.0) * t + rng.uniform()))
    return gain * w + wander + rng.normal(scale=0.07, size=n)


def dataset(n, rng):
    y = rng.integers(0, 4, n)
    x = np.stack([beat(k, rng) for k in y]).astype(np.float32)
    return torch.from_numpy(x)[:, None], torch.from_numpy(y)


class ResBlock(nn.Module):
    def __init__(self, c_in, c_out, stride):
        super().__init__()
        self.conv1 = nn.Conv1d(c_in, c_out, 5, stride, 2, bias=False)
        self.bn1 = nn.BatchNorm1d(c_out)
        self.conv2 = nn.Conv1d(c_out, c_out, 5, 1, 2, bias=False)
        self.bn2 = nn.BatchNorm1d(c_out)
        self.short = nn.Sequential(nn.Conv1d(c_in, c_out, 1, stride, bias=False), nn.BatchNorm1d(c_out))

    def forward(self, x):
        h = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(h)) + self.short(x))


class BeatNet(nn.Module):
    def __init__(self, width=16):
        super().__init__()
        self.blocks = nn.Sequential(ResBlock(1, width, 2), ResBlock(width, 2 * width, 2), ResBlock(2 * width, 2 * width, 2))
        self.fc = nn.Linear(2 * width, len(CLASSES))

    def forward(self, x):
        return self.fc(self.blocks(x).mean(-1))


def make_optimizer(model, cfg):
    matrices = [p for p in model.parameters() if p.ndim > 1]
    vectors = [p for p in model.parameters() if p.ndim <= 1]
    groups = [{"params": matrices, "weight_decay": cfg.weight_decay},
              {"params": vectors, "weight_decay": cfg.weight_decay_norm}]
    return torch.optim.SGD(groups, lr=cfg.lr, momentum=0.9)


@torch.no_grad()
def evaluate(model, x, y):
    model.eval()
    out = torch.cat([model(b) for b in x.split(256)])
    pred = out.argmax(1)
    f1 = []
    for c in range(len(CLASSES)):
        tp = ((pred == c) & (y == c)).sum().item()
        f1.append(2 * tp / max(1, (pred == c).sum().item() + (y == c).sum().item()))
    return F.cross_entropy(out, y).item(), sum(f1) / len(f1)


def main(cfg):
    torch.manual_seed(cfg.seed)
    rng = np.random.default_rng(cfg.seed)
    x, y = dataset(2000, rng)
    vx, vy = dataset(500, rng)
    mean, std = x.mean(), x.std()
    x, vx = (x - mean) / std, (vx - mean) / std

    model = BeatNet()
    opt = make_optimizer(model, cfg)
    per_epoch = math.ceil(len(x) / cfg.batch)
    sched = torch.optim.lr_scheduler.OneCycleLR(opt, cfg.lr, total_steps=cfg.epochs * per_epoch)
    for epoch in range(1, cfg.epochs + 1):
        model.train()
        total = 0.0
        for idx in torch.randperm(len(x)).split(cfg.batch):
            loss = F.cross_entropy(model(x[idx]), y[idx])
            opt.zero_grad()
            loss.backward()
            opt.step()
            sched.step()
            total += loss.item() * len(idx)
        val_loss, f1 = evaluate(model, vx, vy)
        print(f"epoch {epoch:2d}  train {total / len(x):.4f}  val {val_loss:.4f}  macro F1 {f1:.3f}")


if __name__ == "__main__":
    main(SimpleNamespace(seed=12, epochs=10, batch=50, lr=0.05, weight_decay=5e-4, weight_decay_norm=0.0))
