# expects: nothing
"""Payload estimation for haul trucks from suspension strut pressure traces.

Every trip is written by the on-board logger and, for redundancy, by the backup
logger; each of them produces one file per trip.
"""
import argparse

import numpy as np
import torch
from sklearn.model_selection import GroupShuffleSplit
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def parse_args():
    p = argparse.ArgumentParser()
    p.add_argument("--trips", type=int, default=200)
    p.add_argument("--windows", type=int, default=4, help="windows per file")
    p.add_argument("--length", type=int, default=96)
    p.add_argument("--epochs", type=int, default=60)
    p.add_argument("--batch-size", type=int, default=64)
    p.add_argument("--lr", type=float, default=1.5e-3)
    p.add_argument("--seed", type=int, default=5)
    return p.parse_args()


def simulate(args, rng):
    """Returns traces (N, 3, L), payload (N,), trip id (N,), file id (N,)."""
    x, y, trip, file = [], [], [], []
    t = np.arange(args.length) / 50.0
    for trip_id in range(args.trips):
        payload = rng.uniform(60, 220)
        gas = rng.normal(0, 0.3, size=3)
        tilt = rng.normal(0, 0.15)
        road = rng.uniform(0.6, 1.6)
        mode = rng.uniform(2.0, 4.0)
        base = np.array([1.0, 0.9, 0.7]) * payload / 140.0 + gas + tilt * np.array([1, -1, 0.3])
        for w in range(args.windows):
            f = mode / np.sqrt(payload / 140.0)
            phase = rng.uniform(0, 2 * np.pi)
            bounce = road * 0.25 * np.sin(2 * np.pi * f * t + phase)
            clean = base[:, None] + bounce[None] * np.array([1, 0.8, 0.5])[:, None]
            clean = clean + 0.03 * rng.normal(size=clean.shape)
            for logger in (0, 1):
                x.append(clean + 0.03 * rng.normal(size=clean.shape))
                y.append(payload)
                trip.append(trip_id)
                file.append(2 * trip_id + logger)
    return (np.asarray(x, np.float32), np.asarray(y, np.float32),
            np.asarray(trip), np.asarray(file))


class StrutNet(nn.Module):
    def __init__(self, width=24):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv1d(3, width, 7, padding=3), nn.ReLU(), nn.MaxPool1d(2),
            nn.Conv1d(width, 2 * width, 5, padding=2), nn.ReLU(), nn.MaxPool1d(2),
            nn.Conv1d(2 * width, 2 * width, 3, padding=1), nn.ReLU(),
        )
        self.regress = nn.Sequential(nn.Linear(4 * width, 64), nn.ReLU(), nn.Linear(64, 1))

    def forward(self, x):
        h = self.features(x)
        h = torch.cat([h.mean(-1), h.amax(-1)], dim=1)
        return self.regress(h).squeeze(-1)


@torch.no_grad()
def r2_score(model, loader):
    model.eval()
    pred = torch.cat([model(xb) for xb, _ in loader])
    true = torch.cat([yb for _, yb in loader])
    return 1 - ((pred - true).pow(2).sum() / (true - true.mean()).pow(2).sum()).item()


def main():
    args = parse_args()
    torch.manual_seed(args.seed)
    rng = np.random.default_rng(args.seed)
    x, y, trip, file = simulate(args, rng)

    splitter = GroupShuffleSplit(n_splits=1, test_size=0.25, random_state=args.seed)
    train_idx, test_idx = next(splitter.split(x, y, groups=trip))
    print(f"{len(train_idx)} train windows, {len(test_idx)} held-out windows, "
          f"{len(np.unique(file))} files")

    mean = x[train_idx].mean(axis=(0, 2), keepdims=True)
    std = x[train_idx].std(axis=(0, 2), keepdims=True)
    x = (x - mean) / std
    y_mean, y_std = y[train_idx].mean(), y[train_idx].std()
    y = (y - y_mean) / y_std

    def make(idx, shuffle):
        ds = TensorDataset(torch.from_numpy(x[idx]), torch.from_numpy(y[idx]))
        return DataLoader(ds, batch_size=args.batch_size, shuffle=shuffle)

    train_loader, test_loader = make(train_idx, True), make(test_idx, False)
    model = StrutNet()
    optimizer = torch.optim.AdamW(model.parameters(), lr=args.lr, weight_decay=1e-4)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=args.lr, total_steps=args.epochs * len(train_loader))
    criterion = nn.SmoothL1Loss()

    for epoch in range(1, args.epochs + 1):
        model.train()
        total = 0.0
        for xb, yb in train_loader:
            loss = criterion(model(xb), yb)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            scheduler.step()
            total += loss.item() * len(xb)
        if epoch % 10 == 0:
            print(f"[{epoch:02d}/{args.epochs}] train loss {total / len(train_idx):.4f} "
                  f"held-out R2 {r2_score(model, test_loader):.3f}")

    print(f"final held-out R2: {r2_score(model, test_loader):.4f}")


if __name__ == "__main__":
    main()
