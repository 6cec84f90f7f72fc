# expects: nothing
import argparse
import math

import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset


def get_args():
    p = argparse.ArgumentParser("waveform kind from a noisy trace")
    p.add_argument("--epochs", type=int, default=10)
    p.add_argument("--batch-size", type=int, default=32)
    p.add_argument("--eval-batch-size", type=int, default=256)
    p.add_argument("--lr", type=float, default=2e-3)
    p.add_argument("--warmup", type=float, default=0.1)
    p.add_argument("--samples", type=int, default=6000)
    p.add_argument("--length", type=int, default=96)
    p.add_argument("--seed", type=int, default=0)
    return p.parse_args()


def traces(n, length, seed):
    rng = np.random.default_rng(seed)
    t = np.linspace(0, 1, length)
    kinds = rng.integers(0, 5, n)
    out = np.zeros((n, length), np.float32)
    for i, k in enumerate(kinds):
        f, ph = rng.uniform(3, 6), rng.uniform(0, 1)
        c = (f * t + ph) % 1.0
        if k == 0:
            w = np.sin(2 * math.pi * c)
        elif k == 1:
            w = np.where(c < 0.5, 1.0, -1.0) * 0.7
        elif k == 2:
            w = (2 * c - 1) * 1.2
        elif k == 3:
            w = (4 * np.abs(c - 0.5) - 1) * 1.2
        else:
            w = np.sin(2 * math.pi * ((f * t + 3 * t ** 2 + ph) % 1.0))
        out[i] = w + rng.normal(0, 0.3, length)
    return torch.from_numpy(out)[:, None], torch.from_numpy(kinds)


class TraceNet(nn.Module):
    def __init__(self, width=24, kinds=5):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv1d(1, width, 7, padding=3), nn.ReLU(), nn.MaxPool1d(2),
            nn.Conv1d(width, width, 5, padding=2), nn.ReLU(), nn.MaxPool1d(2),
            nn.Conv1d(width, 2 * width, 5, padding=2), nn.ReLU(), nn.AdaptiveMaxPool1d(3))
        self.head = nn.Linear(6 * width, kinds)

    def forward(self, x):
        return self.head(self.body(x).flatten(1))


def linear_warmup_decay(optimizer, warmup_steps, total_steps):
    def factor(step):
        if step < warmup_steps:
            return (step + 1) / warmup_steps
        return max(0.0, (total_steps - step) / max(1, total_steps - warmup_steps))
    return torch.optim.lr_scheduler.LambdaLR(optimizer, factor)


@torch.no_grad()
def accuracy(model, loader):
    model.eval()
    right = sum((model(x).argmax(1) == y).sum().item() for x, y in loader)
    return right / len(loader.dataset)


def main():
    args = get_args()
    torch.manual_seed(args.seed)
    x, y = traces(args.samples, args.length, args.seed)
    n_val = args.samples // 5
    train_loader = DataLoader(TensorDataset(x[n_val:], y[n_val:]), batch_size=args.batch_size, shuffle=True)
    val_loader = DataLoader(TensorDataset(x[:n_val], y[:n_val]), batch_size=args.eval_batch_size)

    model = TraceNet()
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.AdamW(model.parameters(), lr=args.lr, weight_decay=0.01)
    total_steps = args.epochs * len(train_loader)
    scheduler = linear_warmup_decay(optimizer, max(1, int(args.warmup * total_steps)), total_steps)

    for epoch in range(args.epochs):
        model.train()
        running = 0.0
        for xb, yb in train_loader:
            loss = criterion(model(xb), yb)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            scheduler.step()
            running += loss.item()
        print(f"[{epoch + 1}/{args.epochs}] loss={running / len(train_loader):.4f} "
              f"val_acc={accuracy(model, val_loader):.4f}")


if __name__ == "__main__":
    main()
