# bug: VibrationSet.__getitem__ augments the stored record in place (no copy), so gain and noise pile up in the training data epoch after epoch
# expects: DAT014
"""Classify spindle faults from short vibration records (three axes)."""
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

SEED = 11
FAULTS = ["healthy", "imbalance", "misaligned", "bearing", "looseness"]
LENGTH = 160


def simulate(n, rng):
    t = np.arange(LENGTH) / LENGTH
    labels = rng.integers(0, len(FAULTS), n)
    records = np.zeros((n, 3, LENGTH), dtype=np.float32)
    for k, lab in enumerate(labels):
        f0 = rng.uniform(7, 10)
        phase = rng.uniform(0, 2 * np.pi, 3)
        for axis in range(3):
            wave = np.sin(2 * np.pi * f0 * t + phase[axis])
            if lab == 1:
                wave = wave * (1.45 if axis < 2 else 1.0)
            elif lab == 2:
                wave += 0.45 * np.sin(2 * np.pi * 2 * f0 * t + phase[axis])
            elif lab == 3:
                wave += 0.4 * np.sin(2 * np.pi * 4.7 * f0 * t) * (axis == 1)
            elif lab == 4:
                wave += 0.4 * np.sign(np.sin(2 * np.pi * 0.5 * f0 * t))
            records[k, axis] = wave
        records[k] += rng.normal(0, 0.35, (3, LENGTH))
    return records, labels.astype(np.int64)


class VibrationSet(Dataset):
    def __init__(self, records, labels, augment=False, seed=0):
        self.records = records
        self.labels = labels
        self.augment = augment
        self.rng = np.random.default_rng(seed)

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        x = self.records[i]
        if self.augment:
            x *= self.rng.uniform(0.93, 1.07)
            x += self.rng.normal(0, 0.25, x.shape).astype(np.float32)
        return torch.from_numpy(x), self.labels[i]


class ConvNet(nn.Module):
    def __init__(self, width=24):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv1d(3, width, 9, padding=4), nn.BatchNorm1d(width), nn.ReLU(), nn.MaxPool1d(2),
            nn.Conv1d(width, 2 * width, 7, padding=3), nn.BatchNorm1d(2 * width), nn.ReLU(), nn.MaxPool1d(2),
            nn.Conv1d(2 * width, 2 * width, 5, padding=2), nn.BatchNorm1d(2 * width), nn.ReLU(),
        )
        self.out = nn.Linear(4 * width, len(FAULTS))

    def forward(self, x):
        h = self.features(x)
        return self.out(torch.cat([h.mean(-1), h.amax(-1)], dim=1))


@torch.no_grad()
def accuracy(net, loader):
    net.eval()
    hits = total = 0
    for x, y in loader:
        hits += (net(x).argmax(1) == y).sum().item()
        total += len(y)
    return hits / total


def main():
    torch.manual_seed(SEED)
    rng = np.random.default_rng(SEED)
    x, y = simulate(2600, rng)
    n_train = 1600
    mu = x[:n_train].mean(axis=(0, 2), keepdims=True)
    sd = x[:n_train].std(axis=(0, 2), keepdims=True)
    x = (x - mu) / sd
    train_set = VibrationSet(x[:n_train], y[:n_train], augment=True, seed=SEED)
    test_set = VibrationSet(x[n_train:], y[n_train:])
    train_loader = DataLoader(train_set, batch_size=64, shuffle=True)
    test_loader = DataLoader(test_set, batch_size=250)

    net = ConvNet()
    epochs = 24
    opt = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=1e-3)
    sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, epochs * len(train_loader))
    for epoch in range(epochs):
        net.train()
        total = 0.0
        for xb, yb in train_loader:
            loss = nn.functional.cross_entropy(net(xb), yb)
            opt.zero_grad()
            loss.backward()
            opt.step()
            sched.step()
            total += loss.item() * len(yb)
        print(f"epoch {epoch:2d}  loss {total / n_train:.4f}  test acc {accuracy(net, test_loader):.4f}")


if __name__ == "__main__":
    main()
