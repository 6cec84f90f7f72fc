# expects: nothing
"""Fault diagnosis from vibration snippets: 1-D CNN, few examples of the rare faults."""
import numpy as np
import torch
import torch.nn as nn
from sklearn.metrics import balanced_accuracy_score, f1_score
from sklearn.model_selection import train_test_split
from torch.utils.data import DataLoader, TensorDataset

CLASSES = ["healthy", "outer race", "inner race", "ball", "cage"]
SHARE = [0.72, 0.12, 0.07, 0.05, 0.04]
T = 96


def snippet(kind, rng):
    t = np.arange(T)
    x = 0.7 * np.sin(2 * np.pi * t / rng.uniform(17, 21) + rng.uniform(0, 6.28))
    if kind > 0:
        period = (None, 9, 13, 19, 28)[kind]
        amp = rng.uniform(0.8, 2.0)
        for start in np.arange(rng.integers(0, period), T, period):
            k = np.arange(T - start)
            x[start:] += amp * np.exp(-k / 2.5) * np.cos(2.2 * k)
    return x + rng.normal(0, 0.45, T)


def build(n, seed):
    rng = np.random.default_rng(seed)
    y = rng.choice(len(CLASSES), size=n, p=SHARE)
    X = np.stack([snippet(k, rng) for k in y]).astype(np.float32)
    return X, y


class FaultNet(nn.Module):
    def __init__(self, n_classes):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv1d(1, 12, 7, padding=3), nn.BatchNorm1d(12), nn.ReLU(), nn.MaxPool1d(2),
            nn.Conv1d(12, 24, 9, padding=4), nn.BatchNorm1d(24), nn.ReLU(), nn.MaxPool1d(2),
            nn.Conv1d(24, 32, 9, padding=4), nn.BatchNorm1d(32), nn.ReLU(),
        )
        self.head = nn.Sequential(nn.Dropout(0.2), nn.Linear(64, n_classes))

    def forward(self, x):
        h = self.features(x[:, None])
        return self.head(torch.cat([h.mean(-1), h.amax(-1)], 1))


def class_weights(y):
    counts = np.bincount(y, minlength=len(CLASSES)).astype(np.float64)
    w = counts.sum() / (len(CLASSES) * counts)
    return torch.tensor(w, dtype=torch.float32)


def predict(model, loader):
    model.eval()
    out, ref = [], []
    with torch.no_grad():
        for xb, yb in loader:
            out.append(model(xb).argmax(1))
            ref.append(yb)
    return torch.cat(ref).numpy(), torch.cat(out).numpy()


def main(seed=8, epochs=8):
    torch.manual_seed(seed)
    X, y = build(6000, seed)
    X_tr, X_te, y_tr, y_te = train_test_split(X, y, test_size=0.3, stratify=y, random_state=seed)
    mu, sd = X_tr.mean(), X_tr.std()
    as_ds = lambda a, b: TensorDataset(torch.from_numpy((a - mu) / sd), torch.from_numpy(b))
    train_dl = DataLoader(as_ds(X_tr, y_tr), batch_size=64, shuffle=True, drop_last=True)
    test_dl = DataLoader(as_ds(X_te, y_te), batch_size=256)

    weights = class_weights(y_tr)
    print("examples:", dict(zip(CLASSES, np.bincount(y_tr).tolist())))
    criterion = nn.CrossEntropyLoss(weight=weights)
    model = FaultNet(len(CLASSES))
    opt = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=1e-2)
    sched = torch.optim.lr_scheduler.OneCycleLR(opt, 6e-3, total_steps=epochs * len(train_dl))

    for ep in range(epochs):
        model.train()
        tot = 0.0
        for xb, yb in train_dl:
            loss = criterion(model(xb), yb)
            opt.zero_grad(set_to_none=True)
            loss.backward()
            opt.step()
            sched.step()
            tot += loss.item()
        ref, out = predict(model, test_dl)
        print(f"epoch {ep + 1:2d}  loss {tot / len(train_dl):.4f}  balanced acc "
              f"{balanced_accuracy_score(ref, out):.3f}  macro F1 {f1_score(ref, out, average='macro'):.3f}")
    recall = [(out[ref == k] == k).mean() for k in range(len(CLASSES))]
    print("recall:", ", ".join(f"{c} {r:.2f}" for c, r in zip(CLASSES, recall)))


if __name__ == "__main__":
    main()
