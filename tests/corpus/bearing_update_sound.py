# expects: nothing
"""Vibration fault classifier. Trained on six fault types, later updated with three new ones."""
import copy

import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import ConcatDataset, DataLoader, Subset, TensorDataset

cfg = {
    "seed": 6, "length": 96, "old": list(range(6)), "new": [6, 7, 8],
    "per_class": 220, "valid_per_class": 80, "batch": 48,
    "base": {"epochs": 8, "lr": 2e-3},
    "update": {"epochs": 10, "lr": 2e-3, "kept_per_class": 60},
}


def signals(fault, n, rng, length):
    t = np.arange(length)
    base = 0.05 + 0.045 * (fault % 5)
    out = np.empty((n, 1, length), dtype=np.float32)
    for i in range(n):
        f = base * rng.uniform(0.95, 1.05)
        s = np.sin(2 * np.pi * (f * t + rng.random()))
        if fault >= 5:
            s = 1.3 * s * (np.sin(2 * np.pi * (t / 24 + rng.random())) > 0)
        out[i, 0] = rng.uniform(0.7, 1.3) * s + rng.normal(0, 0.5, length)
    return out


def build(faults, n, rng):
    x = np.concatenate([signals(f, n, rng, cfg["length"]) for f in faults])
    y = np.repeat(faults, n)
    return TensorDataset(torch.from_numpy(x), torch.from_numpy(y))


def network(classes):
    return nn.Sequential(
        nn.Conv1d(1, 16, 9, padding=4), nn.GroupNorm(4, 16), nn.ReLU(), nn.MaxPool1d(2),
        nn.Conv1d(16, 32, 7, padding=3), nn.GroupNorm(4, 32), nn.ReLU(), nn.MaxPool1d(2),
        nn.Conv1d(32, 32, 5, padding=2), nn.GroupNorm(4, 32), nn.ReLU(), nn.AdaptiveAvgPool1d(2),
        nn.Flatten(), nn.Dropout(0.2), nn.Linear(64, classes))


@torch.no_grad()
def accuracy(net, ds):
    net.eval()
    hits = sum((net(x).argmax(1) == y).sum().item() for x, y in DataLoader(ds, batch_size=256))
    return hits / len(ds)


def fit(net, ds, epochs, lr, watch):
    opt = torch.optim.Adam(net.parameters(), lr=lr)
    lossf = nn.CrossEntropyLoss()
    loader = DataLoader(ds, batch_size=cfg["batch"], shuffle=True)
    for e in range(epochs):
        net.train()
        tot = 0.0
        for x, y in loader:
            loss = lossf(net(x), y)
            opt.zero_grad()
            loss.backward()
            opt.step()
            tot += loss.item() * len(y)
        scores = "  ".join(f"{k} {accuracy(net, v):.3f}" for k, v in watch.items())
        print(f"  epoch {e + 1}: loss {tot / len(ds):.4f}  {scores}")
    return net


def keep_some(ds, per_class, rng):
    y = ds.tensors[1].numpy()
    rows = [rng.choice(np.flatnonzero(y == c), per_class, replace=False) for c in np.unique(y)]
    return Subset(ds, np.concatenate(rows).tolist())


torch.manual_seed(cfg["seed"])
rng = np.random.default_rng(cfg["seed"])
old_train, new_train = build(cfg["old"], cfg["per_class"], rng), build(cfg["new"], cfg["per_class"], rng)
old_valid, new_valid = build(cfg["old"], cfg["valid_per_class"], rng), build(cfg["new"], cfg["valid_per_class"], rng)
kept = keep_some(old_train, cfg["update"]["kept_per_class"], rng)

print("base model")
base = fit(network(len(cfg["old"]) + len(cfg["new"])), old_train, watch={"known faults": old_valid}, **cfg["base"])

print("update with new faults")
update_set = ConcatDataset([new_train, kept])
print(f"  {len(update_set)} recordings")
updated = fit(copy.deepcopy(base), update_set, cfg["update"]["epochs"], cfg["update"]["lr"],
              watch={"new faults": new_valid, "all faults": ConcatDataset([old_valid, new_valid])})

for f in cfg["old"] + cfg["new"]:
    part = old_valid if f in cfg["old"] else new_valid
    rows = Subset(part, (part.tensors[1] == f).nonzero().flatten().tolist())
    print(f"fault {f}: before {accuracy(base, rows):.2f}  after {accuracy(updated, rows):.2f}")
