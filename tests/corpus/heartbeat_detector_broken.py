# bug: Cross-entropy over an output with a single column (one class), so the loss is always zero
# expects: LOS008
"""Arrhythmia detector on simulated single-lead ECG strips (normal vs. premature beat)."""
import math
import random

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def seed_everything(s):
    random.seed(s)
    np.random.seed(s)
    torch.manual_seed(s)


def simulate_strip(rng, abnormal, n=160):
    t = np.arange(n)
    sig = 0.15 * np.sin(2 * math.pi * t / n * rng.uniform(0.5, 2) + rng.uniform(0, 6))
    period = rng.uniform(26, 34)
    beats = np.arange(rng.uniform(0, period), n, period)
    k = rng.integers(1, len(beats) - 1)
    for j, b in enumerate(beats):
        width, height, pos = 1.6, 1.0, b
        if abnormal and j == k:
            width, height, pos = rng.uniform(2.6, 4.0), rng.uniform(0.9, 1.3), b - rng.uniform(5, 10)
        sig += height * rng.uniform(0.85, 1.15) * np.exp(-0.5 * ((t - pos) / width) ** 2)
        sig += 0.2 * np.exp(-0.5 * ((t - pos - 9) / 3.0) ** 2)
    return sig + rng.normal(0, 0.12, n)


def build_dataset(n, seed):
    rng = np.random.default_rng(seed)
    labels = (rng.random(n) < 0.4).astype(np.float32)
    strips = np.stack([simulate_strip(rng, bool(l)) for l in labels]).astype(np.float32)
    strips = (strips - strips.mean(1, keepdims=True)) / strips.std(1, keepdims=True)
    return TensorDataset(torch.from_numpy(strips)[:, None, :], torch.from_numpy(labels))


class ConvGRU(nn.Module):
    def __init__(self, ch=16, hidden=32):
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv1d(1, ch, 9, stride=2, padding=4), nn.BatchNorm1d(ch), nn.ReLU(),
            nn.Conv1d(ch, 2 * ch, 5, stride=2, padding=2), nn.BatchNorm1d(2 * ch), nn.ReLU(),
            nn.MaxPool1d(2),
        )
        self.rnn = nn.GRU(2 * ch, hidden, batch_first=True, bidirectional=True)
        self.out = nn.Linear(2 * hidden, 1)

    def forward(self, x):
        h, _ = self.rnn(self.stem(x).transpose(1, 2))
        return self.out(h.max(dim=1).values)


class Trainer:
    def __init__(self, model, criterion, lr):
        self.model, self.criterion = model, criterion
        self.optimizer = torch.optim.Adam(model.parameters(), lr=lr)

    def fit(self, train_loader, valid_loader, epochs):
        for ep in range(epochs):
            self.model.train()
            total = 0.0
            for signal, label in train_loader:
                logits = self.model(signal)
                loss = self.criterion(logits, label.unsqueeze(1))
                self.optimizer.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(self.model.parameters(), 5.0)
                self.optimizer.step()
                total += loss.item()
            acc, sens = self.evaluate(valid_loader)
            print(f"[{ep + 1}/{epochs}] loss={total / len(train_loader):.4f} val_acc={acc:.3f} sensitivity={sens:.3f}")

    @torch.no_grad()
    def evaluate(self, loader):
        self.model.eval()
        preds, labels = [], []
        for signal, label in loader:
            preds.append(torch.sigmoid(self.model(signal)).squeeze(1) > 0.5)
            labels.append(label.bool())
        preds, labels = torch.cat(preds), torch.cat(labels)
        return (preds == labels).float().mean().item(), preds[labels].float().mean().item()


if __name__ == "__main__":
    seed_everything(2024)
    train = DataLoader(build_dataset(1600, 1), batch_size=64, shuffle=True)
    valid = DataLoader(build_dataset(400, 2), batch_size=200)
    Trainer(ConvGRU(), nn.CrossEntropyLoss(), lr=2e-3).fit(train, valid, epochs=10)
