# expects: nothing
"""Sorting of machine parts from 16x16 grey camera crops (uint8)."""
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

KINDS = ("washer", "nut", "bolt", "pin", "plate")


@dataclass
class Config:
    seed: int = 5
    n_train: int = 2500
    n_test: int = 500
    batch_size: int = 50
    epochs: int = 14
    lr: float = 0.02
    momentum: float = 0.9


def draw_crops(n, seed):
    g = np.random.default_rng(seed)
    yy, xx = np.mgrid[0:16, 0:16]
    images, labels = np.empty((n, 16, 16), np.uint8), g.integers(0, len(KINDS), n)
    for i, k in enumerate(labels):
        cy, cx = 7.5 + g.uniform(-1.5, 1.5, 2)
        a = g.uniform(0, np.pi)
        u = (xx - cx) * np.cos(a) + (yy - cy) * np.sin(a)
        v = -(xx - cx) * np.sin(a) + (yy - cy) * np.cos(a)
        r = np.hypot(u, v)
        if k == 0:
            m = (r < g.uniform(4.5, 6)) & (r > g.uniform(2, 3))
        elif k == 1:
            m = (np.maximum(np.abs(u), np.abs(v)) < g.uniform(4, 5)) & (r > g.uniform(1.5, 2.3))
        elif k == 2:
            m = ((np.abs(v) < 1.2) & (np.abs(u) < 6)) | ((np.abs(v) < 3) & (u > 3) & (u < 6))
        elif k == 3:
            m = (np.abs(v) < g.uniform(1, 1.6)) & (np.abs(u) < g.uniform(5, 6.5))
        else:
            m = np.maximum(np.abs(u), np.abs(v)) < g.uniform(3.8, 5)
        img = g.uniform(40, 80) + g.uniform(50, 110) * m + g.normal(0, 14, (16, 16))
        images[i] = np.clip(img, 0, 255)
    return images, labels


class PartNet(nn.Module):
    def __init__(self, mean, std, n_classes):
        super().__init__()
        self.register_buffer("mean", torch.tensor(mean))
        self.register_buffer("std", torch.tensor(std))
        self.body = nn.Sequential(
            nn.Conv2d(1, 12, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(12, 24, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Flatten(), nn.Linear(24 * 16, 64), nn.ReLU(), nn.Dropout(0.2), nn.Linear(64, n_classes),
        )

    def forward(self, crops):
        x = crops.float() / 255.0
        return self.body((x - self.mean) / self.std)


def to_batch(items):
    crops = torch.stack([c for c, _ in items]).unsqueeze(1)
    return crops, torch.stack([k for _, k in items])


class Trainer:
    def __init__(self, cfg):
        torch.manual_seed(cfg.seed)
        self.cfg = cfg
        crops, kinds = draw_crops(cfg.n_train, cfg.seed)
        self.train = self._loader(crops, kinds, shuffle=True)
        self.test = self._loader(*draw_crops(cfg.n_test, cfg.seed + 1), shuffle=False)
        scaled = crops / 255.0
        self.model = PartNet(float(scaled.mean()), float(scaled.std()), len(KINDS))
        self.loss = nn.CrossEntropyLoss()
        self.opt = torch.optim.SGD(self.model.parameters(), lr=cfg.lr, momentum=cfg.momentum)

    def _loader(self, crops, kinds, shuffle):
        data = TensorDataset(torch.from_numpy(crops), torch.from_numpy(kinds))
        return DataLoader(data, self.cfg.batch_size, shuffle=shuffle, collate_fn=to_batch)

    def train_epoch(self):
        self.model.train()
        losses = []
        for x, k in self.train:
            loss = self.loss(self.model(x), k)
            self.opt.zero_grad()
            loss.backward()
            self.opt.step()
            losses.append(loss.item())
        return sum(losses) / len(losses)

    @torch.inference_mode()
    def evaluate(self):
        self.model.eval()
        right = total = 0
        for x, k in self.test:
            right += (self.model(x).argmax(1) == k).sum().item()
            total += len(k)
        return right / total

    def fit(self):
        for e in range(self.cfg.epochs):
            print(f"epoch {e}: loss={self.train_epoch():.4f} test_acc={self.evaluate():.4f}")


if __name__ == "__main__":
    Trainer(Config()).fit()
