# bug: the deployed model is fine-tuned on the two new fault classes alone (no old recordings kept in), so it forgets the six it knew
# expects: TRN013
import argparse

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import ConcatDataset, DataLoader, TensorDataset

parser = argparse.ArgumentParser()
parser.add_argument("--base-epochs", type=int, default=6)
parser.add_argument("--extend-epochs", type=int, default=7)
parser.add_argument("--lr", type=float, default=2e-3)
parser.add_argument("--extend-lr", type=float, default=1e-3)
parser.add_argument("--batch-size", type=int, default=32)
parser.add_argument("--seed", type=int, default=3)
args = parser.parse_args()

torch.manual_seed(args.seed)
rng = np.random.default_rng(args.seed)

BASE_FAULTS = [0, 1, 2, 3, 4, 5]
NEW_FAULTS = [6, 7]
LENGTH = 192


def vibration(fault, n):
    t = np.arange(LENGTH) / LENGTH
    shaft = rng.uniform(9.6, 10.4, size=(n, 1))
    phase = rng.uniform(0, 2 * np.pi, size=(n, 1))
    base = np.sin(2 * np.pi * shaft * t + phase)
    mesh = 1.0 + 0.45 * fault
    tone = np.sin(2 * np.pi * shaft * mesh * 1.7 * t + rng.uniform(0, 2 * np.pi, size=(n, 1)))
    am = 1 + 0.5 * np.sin(2 * np.pi * (2 + fault % 3) * t + phase)
    return base + 0.8 * tone * am + rng.normal(0, 0.6, size=(n, LENGTH))


def build(faults, per_class):
    x = np.concatenate([vibration(f, per_class) for f in faults])
    y = np.repeat(faults, per_class)
    x = torch.tensor(x, dtype=torch.float32).unsqueeze(1)
    return TensorDataset(x, torch.tensor(y, dtype=torch.long))


base_train, base_test = build(BASE_FAULTS, 400), build(BASE_FAULTS, 150)
new_train, new_test = build(NEW_FAULTS, 400), build(NEW_FAULTS, 150)


class FaultNet(nn.Module):
    def __init__(self, n_out=8):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv1d(1, 16, 9, stride=2, padding=4), nn.GroupNorm(4, 16), nn.ReLU(),
            nn.Conv1d(16, 32, 7, stride=2, padding=3), nn.GroupNorm(4, 32), nn.ReLU(),
            nn.Conv1d(32, 64, 5, stride=2, padding=2), nn.GroupNorm(8, 64), nn.ReLU(),
            nn.AdaptiveAvgPool1d(1), nn.Flatten(),
        )
        self.head = nn.Linear(64, n_out)

    def forward(self, x):
        return self.head(self.body(x))


@torch.no_grad()
def accuracy(model, ds):
    model.eval()
    hits = 0
    for xb, yb in DataLoader(ds, batch_size=256):
        hits += (model(xb).argmax(1) == yb).sum().item()
    model.train()
    return hits / len(ds)


def fit(model, dataset, epochs, lr, tag, report):
    loader = DataLoader(dataset, batch_size=args.batch_size, shuffle=True)
    opt = torch.optim.Adam(model.parameters(), lr=lr)
    for ep in range(epochs):
        total = 0.0
        for xb, yb in loader:
            opt.zero_grad()
            loss = F.cross_entropy(model(xb), yb)
            loss.backward()
            opt.step()
            total += loss.item()
        scores = "  ".join(f"{k} {accuracy(model, d):.3f}" for k, d in report.items())
        print(f"[{tag}] epoch {ep + 1}: loss {total / len(loader):.4f}  {scores}")


model = FaultNet()
fit(model, base_train, args.base_epochs, args.lr, "base", {"base faults": base_test})

fit(model, new_train, args.extend_epochs, args.extend_lr, "extend", {"new faults": new_test})

print(f"all eight faults, test accuracy: {accuracy(model, ConcatDataset([base_test, new_test])):.3f}")
