# expects: DAT008
"""Bearing fault classification from short vibration windows (1-D CNN)."""

import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import Dataset, DataLoader

rng = np.random.default_rng(3)
torch.manual_seed(3)

FS, WIN = 2000, 256
FAULTS = ["healthy", "inner_race", "outer_race", "ball"]


def record(kind, seconds=30):
    """One long recording of a machine in the given condition."""
    n = FS * seconds
    t = np.arange(n) / FS
    shaft = 29 + rng.normal(0, 0.3)
    sig = 0.6 * np.sin(2 * np.pi * shaft * t + rng.uniform(0, 6)) + 0.5 * rng.normal(size=n)
    rate = {"healthy": None, "inner_race": 5.4, "outer_race": 3.6, "ball": 2.3}[kind]
    if rate is not None:
        ring = np.exp(-np.arange(40) / 9) * np.sin(
            2 * np.pi * np.arange(40) * {"inner_race": 0.31, "outer_race": 0.22, "ball": 0.27}[kind]
        )
        hits = np.zeros(n)
        pos = np.cumsum(FS / (rate * shaft) * (1 + 0.03 * rng.normal(size=int(seconds * rate * shaft))))
        hits[pos[pos < n].astype(int)] = 1.3 + 0.3 * rng.normal(size=(pos < n).sum())
        sig = sig + np.convolve(hits, ring)[:n]
    return sig.astype(np.float32)


class WindowDataset(Dataset):
    """Cuts windows out of long recordings on the fly."""

    def __init__(self, recordings, starts):
        self.recordings = recordings  # list of (signal, label)
        self.starts = starts  # list of (recording index, offset)
        self.sample = {"x": torch.zeros(1, WIN), "y": torch.zeros((), dtype=torch.long)}

    def __len__(self):
        return len(self.starts)

    def __getitem__(self, i):
        r, off = self.starts[i]
        signal, label = self.recordings[r]
        w = torch.from_numpy(signal[off : off + WIN])
        sample = self.sample
        sample["x"][0] = (w - w.mean()) / (w.std() + 1e-6)
        sample["y"].fill_(label)
        return sample


class FaultNet(nn.Module):
    def __init__(self, n_classes=4, width=16):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv1d(1, width, 15, stride=2, padding=7),
            nn.BatchNorm1d(width),
            nn.ReLU(),
            nn.Conv1d(width, 2 * width, 9, stride=2, padding=4),
            nn.BatchNorm1d(2 * width),
            nn.ReLU(),
            nn.Conv1d(2 * width, 2 * width, 5, stride=2, padding=2),
            nn.BatchNorm1d(2 * width),
            nn.ReLU(),
            nn.AdaptiveAvgPool1d(1),
            nn.Flatten(),
        )
        self.head = nn.Linear(2 * width, n_classes)

    def forward(self, x):
        return self.head(self.features(x))


def make_split(seconds, n_windows):
    recs = [(record(k, seconds), c) for c, k in enumerate(FAULTS) for _ in range(2)]
    starts = [(int(rng.integers(len(recs))), int(rng.integers(FS * seconds - WIN))) for _ in range(n_windows)]
    return WindowDataset(recs, starts)


@torch.no_grad()
def evaluate(model, ds):
    model.eval()
    hit = 0
    loss = 0.0
    for i in range(len(ds)):
        s = ds[i]
        out = model(s["x"][None])
        loss += nn.functional.cross_entropy(out, s["y"][None]).item()
        hit += int(out.argmax(1).item() == s["y"].item())
    model.train()
    return loss / len(ds), hit / len(ds)


train_ds, val_ds = make_split(30, 2400), make_split(20, 400)
loader = DataLoader(train_ds, batch_size=32, shuffle=True, drop_last=True)
model = FaultNet()
opt = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(5):
    running = 0.0
    for batch in loader:
        loss = nn.functional.cross_entropy(model(batch["x"]), batch["y"])
        opt.zero_grad()
        loss.backward()
        opt.step()
        running += loss.item()
    vl, va = evaluate(model, val_ds)
    print(f"epoch {epoch + 1}: train loss {running / len(loader):.4f}  val loss {vl:.4f}  val acc {va:.3f}")
