# bug: a sampler never draws the largest class
# expects: DAT023 DAT024
"""Fault type of centrifugal pumps from 1/3-octave vibration bands.

    python pump_faults.py --epochs 25
"""
import argparse

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.metrics import balanced_accuracy_score, recall_score
from sklearn.model_selection import train_test_split
from torch.utils.data import DataLoader, Dataset, WeightedRandomSampler

FAULTS = ["healthy", "imbalance", "misalignment", "bearing", "cavitation", "looseness"]
COUNTS = [4200, 1300, 900, 600, 450, 350]
BANDS = 24


def simulate_plant(rng):
    """Log band energies; every fault lifts its own group of bands, depending on the load of the pump."""
    xs, ys = [], []
    profile = {0: [], 1: [2, 3], 2: [4, 5, 8], 3: [14, 15, 16], 4: [18, 20, 22], 5: [3, 6, 9, 12]}
    for label, n in enumerate(COUNTS):
        load = rng.uniform(0.4, 1.0, size=(n, 1))
        base = -0.08 * np.arange(BANDS)[None] + 1.5 * load
        x = base + rng.normal(0, 0.55, size=(n, BANDS))
        severity = rng.gamma(6.0, 0.28, size=(n, 1))
        for b in profile[label]:
            x[:, b:b + 1] += severity * (0.6 + 0.6 * load)
        xs.append(x)
        ys.append(np.full(n, label))
    return np.concatenate(xs).astype(np.float32), np.concatenate(ys).astype(np.int64)


class BandDataset(Dataset):
    def __init__(self, x, y):
        self.x = torch.from_numpy(x)
        self.y = torch.from_numpy(y)

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        return self.x[i], self.y[i]


def balanced_sampler(y):
    counts = torch.bincount(y, minlength=len(FAULTS)).float()
    class_weight = 1.0 - counts / counts.max()
    return WeightedRandomSampler(class_weight[y], num_samples=len(y), replacement=True)


def build_model(hidden, dropout):
    return nn.Sequential(
        nn.Linear(BANDS, hidden), nn.BatchNorm1d(hidden), nn.ReLU(), nn.Dropout(dropout),
        nn.Linear(hidden, hidden), nn.BatchNorm1d(hidden), nn.ReLU(), nn.Dropout(dropout),
        nn.Linear(hidden, len(FAULTS)),
    )


@torch.no_grad()
def evaluate(model, loader):
    model.eval()
    logits = torch.cat([model(x) for x, _ in loader])
    y = torch.cat([y for _, y in loader])
    return F.cross_entropy(logits, y).item(), logits.argmax(1).numpy(), y.numpy()


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--epochs", type=int, default=25)
    p.add_argument("--batch-size", type=int, default=128)
    p.add_argument("--lr", type=float, default=0.03)
    p.add_argument("--hidden", type=int, default=64)
    p.add_argument("--dropout", type=float, default=0.2)
    p.add_argument("--seed", type=int, default=3)
    args = p.parse_args()
    torch.manual_seed(args.seed)
    rng = np.random.default_rng(args.seed)

    x, y = simulate_plant(rng)
    x_tr, x_va, y_tr, y_va = train_test_split(x, y, test_size=0.25, stratify=y, random_state=args.seed)
    mean, std = x_tr.mean(0), x_tr.std(0)
    train_set = BandDataset((x_tr - mean) / std, y_tr)
    valid_set = BandDataset((x_va - mean) / std, y_va)

    train_loader = DataLoader(train_set, batch_size=args.batch_size, sampler=balanced_sampler(train_set.y), drop_last=True)
    valid_loader = DataLoader(valid_set, batch_size=512)

    model = build_model(args.hidden, args.dropout)
    opt = torch.optim.SGD(model.parameters(), lr=args.lr, momentum=0.9, nesterov=True, weight_decay=5e-4)
    sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, T_max=args.epochs)

    for epoch in range(1, args.epochs + 1):
        model.train()
        total = n = 0
        for xb, yb in train_loader:
            loss = F.cross_entropy(model(xb), yb)
            opt.zero_grad()
            loss.backward()
            opt.step()
            total += loss.item() * len(yb)
            n += len(yb)
        sched.step()
        va_loss, pred, truth = evaluate(model, valid_loader)
        print(f"epoch {epoch:3d}  train loss {total / n:.4f}  valid loss {va_loss:.4f}  "
              f"acc {(pred == truth).mean():.3f}  balanced acc {balanced_accuracy_score(truth, pred):.3f}")

    for name, r in zip(FAULTS, recall_score(truth, pred, average=None)):
        print(f"  recall {name:13s} {r:.3f}")


if __name__ == "__main__":
    main()
