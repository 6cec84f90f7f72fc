# expects: nothing
"""Digit reader for a parcel-label scanner: small CNN with warm-up + cosine learning rate."""
import math
import random

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch.utils.data import DataLoader, TensorDataset


def seed_everything(seed):
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


class LabelReader(nn.Module):
    def __init__(self, width=16, classes=10):
        super().__init__()
        self.stem = nn.Conv2d(1, width, 3, padding=1)
        self.conv1 = nn.Conv2d(width, width * 2, 3, padding=1)
        self.conv2 = nn.Conv2d(width * 2, width * 2, 3, padding=1)
        self.fc = nn.Linear(width * 2 * 4, classes)
        self.drop = nn.Dropout(0.2)

    def forward(self, x):
        x = F.relu(self.stem(x))
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        return self.fc(self.drop(x.flatten(1)))


class WarmupCosine:
    def __init__(self, start, peak, floor, warmup, total):
        self.start, self.peak, self.floor = start, peak, floor
        self.warmup, self.total = warmup, total

    def __call__(self, step):
        if step < self.warmup:
            return self.start + (self.peak - self.start) * step / self.warmup
        frac = (step - self.warmup) / max(1, self.total - self.warmup)
        return self.floor + 0.5 * (self.peak - self.floor) * (1 + math.cos(math.pi * frac))


class Trainer:
    def __init__(self, model, train_loader, valid_loader, epochs):
        self.model, self.epochs = model, epochs
        self.train_loader, self.valid_loader = train_loader, valid_loader
        self.schedule = WarmupCosine(1e-4, 5e-2, 1e-4, 2 * len(train_loader), epochs * len(train_loader))
        self.optimizer = torch.optim.SGD(model.parameters(), lr=self.schedule(0), momentum=0.9, weight_decay=1e-4)
        self.step = 0

    def set_lr(self, lr):
        for group in self.optimizer.param_groups:
            group["lr"] = lr
        return lr

    def train_epoch(self):
        self.model.train()
        running, seen = 0.0, 0
        for xb, yb in self.train_loader:
            lr = self.set_lr(self.schedule(self.step))
            loss = F.cross_entropy(self.model(xb), yb)
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            self.step += 1
            running += loss.item() * len(xb)
            seen += len(xb)
        return running / seen, lr

    @torch.no_grad()
    def validate(self):
        self.model.eval()
        hits = total = 0
        for xb, yb in self.valid_loader:
            hits += (self.model(xb).argmax(1) == yb).sum().item()
            total += len(yb)
        return hits / total

    def fit(self):
        for epoch in range(1, self.epochs + 1):
            loss, lr = self.train_epoch()
            print(f"epoch {epoch:2d}  lr {lr:.5f}  train loss {loss:.4f}  valid acc {self.validate():.4f}")


def loaders(batch_size):
    digits = load_digits()
    x_tr, x_va, y_tr, y_va = train_test_split(
        digits.images, digits.target, test_size=0.25, stratify=digits.target, random_state=4)
    mean, std = x_tr.mean(), x_tr.std()

    def pack(x, y):
        x = torch.tensor((x - mean) / std, dtype=torch.float32).unsqueeze(1)
        return TensorDataset(x, torch.tensor(y))

    return (DataLoader(pack(x_tr, y_tr), batch_size=batch_size, shuffle=True),
            DataLoader(pack(x_va, y_va), batch_size=256))


if __name__ == "__main__":
    seed_everything(4)
    train_loader, valid_loader = loaders(64)
    Trainer(LabelReader(), train_loader, valid_loader, epochs=20).fit()
