# expects: LOS010
"""Fault detection on bearing vibration windows. Faults are rare; missing one is expensive."""
import numpy as np
import torch
from sklearn.metrics import balanced_accuracy_score, recall_score
from sklearn.model_selection import train_test_split
from sklearn.utils.class_weight import compute_class_weight
from torch import nn

CLASSES = ["ok", "fault"]
LENGTH = 128


def record(n, rng):
    """Windows of vibration; a faulty bearing adds weak periodic impacts that ring and die out."""
    t = np.arange(LENGTH)
    names = np.where(rng.random(n) < 0.1, "fault", "ok")
    wave = np.empty((n, LENGTH), dtype="float32")
    ring = np.exp(-np.arange(10) / 3.0) * np.cos(2.2 * np.arange(10))
    for i in range(n):
        shaft = 0.8 * np.sin(2 * np.pi * t / rng.uniform(28, 36) + rng.uniform(0, 6.28))
        w = shaft + 0.45 * rng.normal(size=LENGTH)
        if names[i] == "fault":
            size = rng.uniform(0.7, 1.9)
            for p in range(rng.integers(0, 21), LENGTH - 10, 21):
                w[p:p + 10] += size * ring
        wave[i] = w
    return wave, names


def build():
    return nn.Sequential(
        nn.Conv1d(1, 16, 9, padding=4), nn.BatchNorm1d(16), nn.ReLU(), nn.MaxPool1d(2),
        nn.Conv1d(16, 24, 7, padding=3), nn.BatchNorm1d(24), nn.ReLU(), nn.MaxPool1d(2),
        nn.Conv1d(24, 32, 5, padding=2), nn.BatchNorm1d(32), nn.ReLU(),
        nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Dropout(0.3), nn.Linear(32, len(CLASSES)),
    )


def predict(model, x):
    model.eval()
    with torch.no_grad():
        return torch.cat([model(part).argmax(1) for part in x.split(256)]).numpy()


def main():
    rng = np.random.default_rng(4)
    torch.manual_seed(4)
    wave, names = record(5000, rng)
    tr, te = train_test_split(np.arange(len(wave)), test_size=0.3, stratify=names, random_state=4)
    code = {c: i for i, c in enumerate(CLASSES)}
    y = torch.tensor([code[s] for s in names])
    mean, std = wave[tr].mean(), wave[tr].std()
    x = torch.from_numpy((wave - mean) / std).unsqueeze(1)

    weights = compute_class_weight("balanced", classes=np.unique(names), y=names[tr])
    criterion = nn.CrossEntropyLoss(weight=torch.tensor(weights, dtype=torch.float32))
    model = build()
    opt = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.01)
    epochs = 14
    sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, epochs)
    tr = torch.from_numpy(tr)
    for epoch in range(1, epochs + 1):
        model.train()
        total = 0.0
        batches = tr[torch.randperm(len(tr))].split(100)
        for idx in batches:
            opt.zero_grad()
            loss = criterion(model(x[idx]), y[idx])
            loss.backward()
            opt.step()
            total += loss.item()
        sched.step()
        guess = predict(model, x[te])
        print(f"epoch {epoch:2d}  loss {total / len(batches):.4f}  "
              f"balanced acc {balanced_accuracy_score(y[te], guess):.4f}  fault recall {recall_score(y[te], guess):.4f}")


main()
