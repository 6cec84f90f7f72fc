# expects: nothing
"""Gesture recognition from wrist-worn accelerometer recordings (one .npy file per recording)."""
import csv
import os
import tempfile
from glob import glob

import numpy as np
import torch
import torch.nn as nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_sequence

GESTURES = ["circle", "swipe", "shake", "tap"]
torch.manual_seed(11)
rng = np.random.default_rng(11)


def record_session(folder, n):
    """Simulates the logger: writes recordings and the annotator's labels.csv."""
    rows = []
    for i in range(n):
        g = int(rng.integers(len(GESTURES)))
        T = int(rng.integers(25, 50))
        t = np.arange(T) / 25.0
        ph = rng.uniform(0, 2 * np.pi)
        f = rng.uniform(0.9, 1.3)
        if g == 0:
            sig = np.stack([np.sin(2 * np.pi * f * t + ph), np.cos(2 * np.pi * f * t + ph), 0 * t], 1)
        elif g == 1:
            c = rng.uniform(0.3, 0.7) * t[-1]
            sig = np.stack([1.5 * np.exp(-((t - c) / 0.2) ** 2), 0.2 * np.sin(ph + t), 0 * t], 1)
        elif g == 2:
            sig = np.stack([np.sin(2 * np.pi * 4 * f * t + ph), 0.3 * np.cos(ph + t), 0 * t], 1)
        else:
            c = rng.uniform(0.2, 0.8) * t[-1]
            sig = np.stack([0 * t, 0.2 * np.cos(ph + t), 1.6 * np.exp(-((t - c) / 0.08) ** 2)], 1)
        sig = rng.uniform(0.7, 1.2) * sig + 0.35 * rng.standard_normal(sig.shape)
        np.save(os.path.join(folder, f"rec_{i}.npy"), sig.astype(np.float32))
        rows.append((i, GESTURES[g]))
    with open(os.path.join(folder, "labels.csv"), "w", newline="") as fh:
        w = csv.writer(fh)
        w.writerow(["recording", "gesture"])
        w.writerows(rows)


def rec_number(path):
    return int(os.path.basename(path)[4:-4])


def load_session(folder):
    files = sorted(glob(os.path.join(folder, "rec_*.npy")), key=rec_number)
    recs = [torch.from_numpy(np.load(f)) for f in files]
    with open(os.path.join(folder, "labels.csv")) as fh:
        names = [row["gesture"] for row in csv.DictReader(fh)]
    assert len(names) == len(recs)
    return recs, torch.tensor([GESTURES.index(n) for n in names])


class GestureLSTM(nn.Module):
    def __init__(self, hidden=40):
        super().__init__()
        self.rnn = nn.LSTM(3, hidden, batch_first=True, bidirectional=True)
        self.drop = nn.Dropout(0.2)
        self.out = nn.Linear(2 * hidden, len(GESTURES))

    def forward(self, x, lengths):
        packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        _, (h, _) = self.rnn(packed)
        return self.out(self.drop(torch.cat([h[0], h[1]], 1)))


def batch(recs, labels, idx):
    seqs = [recs[i] for i in idx.tolist()]
    lengths = torch.tensor([len(s) for s in seqs])
    return pad_sequence(seqs, batch_first=True), lengths, labels[idx]


def accuracy(model, recs, labels, idx):
    model.eval()
    hits = 0
    with torch.no_grad():
        for part in idx.split(128):
            x, n, y = batch(recs, labels, part)
            hits += (model(x, n).argmax(1) == y).sum().item()
    return hits / len(idx)


def main():
    with tempfile.TemporaryDirectory() as folder:
        record_session(folder, 900)
        recs, labels = load_session(folder)
    perm = torch.randperm(len(recs))
    train, val = perm[:680], perm[680:]
    model = GestureLSTM()
    opt = torch.optim.Adam(model.parameters(), lr=3e-3)
    sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, 15)
    loss_fn = nn.CrossEntropyLoss()
    for epoch in range(15):
        model.train()
        total = 0.0
        for part in train[torch.randperm(len(train))].split(32):
            x, n, y = batch(recs, labels, part)
            loss = loss_fn(model(x, n), y)
            opt.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            opt.step()
            total += loss.item() * len(part)
        sched.step()
        print(f"epoch {epoch:2d}  loss {total / len(train):.4f}  val acc {accuracy(model, recs, labels, val):.3f}")


if __name__ == "__main__":
    main()
