# bug: gradients are cleared at each micro batch
# expects: OPT006
"""Segmenting round cells in noisy microscopy crops with a tiny encoder-decoder.

Memory on the lab machine is short, so gradients are accumulated over micro-batches.
"""
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F


@dataclass
class Config:
    size: int = 24
    n_train: int = 480
    n_val: int = 120
    micro_batch: int = 4
    accum: int = 8
    epochs: int = 14
    lr: float = 0.1
    momentum: float = 0.9
    seed: int = 3


def make_crops(n, size, rng):
    yy, xx = np.mgrid[:size, :size]
    imgs = np.zeros((n, 1, size, size), np.float32)
    masks = np.zeros_like(imgs)
    for i in range(n):
        shade = rng.uniform(-0.5, 0.5, 2)
        img = shade[0] * (xx / size - 0.5) + shade[1] * (yy / size - 0.5)
        for _ in range(rng.integers(1, 4)):
            cy, cx = rng.uniform(4, size - 4, 2)
            r = rng.uniform(2.5, 5.0)
            d = np.sqrt((yy - cy) ** 2 + (xx - cx) ** 2)
            inside = d < r
            masks[i, 0][inside] = 1.0
            img = img + inside * rng.uniform(0.5, 0.9) + 0.4 * np.exp(-((d - r) ** 2))
        for _ in range(rng.integers(1, 4)):
            row = rng.integers(0, size)
            img[row] += rng.uniform(0.5, 1.0)
        imgs[i, 0] = img + rng.normal(0, 0.35, (size, size))
    return torch.from_numpy(imgs), torch.from_numpy(masks)


class Block(nn.Sequential):
    def __init__(self, cin, cout):
        super().__init__(nn.Conv2d(cin, cout, 3, padding=1), nn.GroupNorm(4, cout), nn.ReLU())


class TinyUNet(nn.Module):
    def __init__(self, w=8):
        super().__init__()
        self.d1 = Block(1, w)
        self.d2 = Block(w, 2 * w)
        self.mid = Block(2 * w, 2 * w)
        self.u1 = Block(3 * w, w)
        self.out = nn.Conv2d(w, 1, 1)

    def forward(self, x):
        a = self.d1(x)
        b = self.mid(self.d2(F.max_pool2d(a, 2)))
        up = F.interpolate(b, scale_factor=2, mode="nearest")
        return self.out(self.u1(torch.cat([a, up], 1)))


class Trainer:
    def __init__(self, cfg):
        self.cfg = cfg
        torch.manual_seed(cfg.seed)
        rng = np.random.default_rng(cfg.seed)
        xt, self.yt = make_crops(cfg.n_train, cfg.size, rng)
        xv, self.yv = make_crops(cfg.n_val, cfg.size, rng)
        mean, std = xt.mean(), xt.std()
        self.xt, self.xv = (xt - mean) / std, (xv - mean) / std
        self.model = TinyUNet()
        self.opt = torch.optim.SGD(self.model.parameters(), lr=cfg.lr, momentum=cfg.momentum)

    def train_epoch(self):
        cfg = self.cfg
        self.model.train()
        chunks = torch.randperm(len(self.xt)).split(cfg.micro_batch)
        total = 0.0
        for i, idx in enumerate(chunks):
            self.opt.zero_grad()
            logits = self.model(self.xt[idx])
            loss = F.binary_cross_entropy_with_logits(logits, self.yt[idx])
            (loss / cfg.accum).backward()
            total += loss.item()
            if (i + 1) % cfg.accum == 0:
                self.opt.step()
        return total / len(chunks)

    @torch.no_grad()
    def validate(self):
        self.model.eval()
        logits = self.model(self.xv)
        loss = F.binary_cross_entropy_with_logits(logits, self.yv).item()
        pred, true = logits > 0, self.yv > 0.5
        inter = (pred & true).sum((1, 2, 3)).float()
        union = (pred | true).sum((1, 2, 3)).float()
        return loss, (inter / union.clamp(min=1)).mean().item()

    def fit(self):
        for epoch in range(1, self.cfg.epochs + 1):
            tr = self.train_epoch()
            vl, iou = self.validate()
            print(f"[{epoch:02d}] train bce {tr:.4f} | val bce {vl:.4f} | val IoU {iou:.3f}")
        return iou


if __name__ == "__main__":
    print(f"final IoU {Trainer(Config()).fit():.4f}")
