import csv
import io

import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, Dataset


def write_table():
    """A sensor file as our loggers write it: three inputs and a reading in ohms."""
    rng = np.random.default_rng(77)
    out = io.StringIO()
    w = csv.writer(out)
    w.writerow(["temp", "humidity", "pressure", "ohm"])
    for _ in range(2500):
        t, h, p = rng.normal(20, 6), rng.uniform(20, 90), rng.normal(1013, 8)
        ohm = 1200 - 14 * (t - 20) + 0.25 * (t - 20) ** 2 + 1.5 * (h - 55) + 40 * np.sin((p - 1013) / 6) + rng.normal(0, 8)
        w.writerow([f"{t:.3f}", f"{h:.3f}", f"{p:.3f}", f"{ohm:.3f}"])
    out.seek(0)
    return out


class SensorData(Dataset):
    def __init__(self, rows, stats):
        a = np.array([[float(r[k]) for k in ("temp", "humidity", "pressure")] for r in rows], dtype=np.float32)
        t = np.array([float(r["ohm"]) for r in rows], dtype=np.float32)
        if not stats:
            stats.update(am=a.mean(0), asd=a.std(0), tm=t.mean(), tsd=t.std())
        self.inputs = torch.from_numpy((a - stats["am"]) / stats["asd"])
        self.raw = torch.from_numpy(t)
        self.target = (self.raw - float(stats["tm"])) / float(stats["tsd"])

    def __len__(self):
        return len(self.raw)

    def __getitem__(self, i):
        return self.inputs[i], self.target[i], self.raw[i]


def evaluate(net, loader, stats):
    net.eval()
    err = []
    with torch.no_grad():
        for x, _, ohm in loader:
            guess = net(x).squeeze(1)
            guess = guess * float(stats["tsd"]) + float(stats["tm"])
            err.append((guess - ohm).abs())
    return torch.cat(err).mean().item()


def main():
    torch.manual_seed(77)
    rows = list(csv.DictReader(write_table()))
    stats = {}
    train = SensorData(rows[:2000], stats)
    valid = SensorData(rows[2000:], stats)
    train_loader = DataLoader(train, batch_size=50, shuffle=True)
    valid_loader = DataLoader(valid, batch_size=500)
    net = nn.Sequential(nn.Linear(3, 64), nn.GELU(), nn.Linear(64, 64), nn.GELU(), nn.Linear(64, 1))
    opt = torch.optim.AdamW(net.parameters(), lr=3e-3)
    for epoch in range(8):
        net.train()
        sq = []
        for x, z, _ in train_loader:
            loss = nn.functional.mse_loss(net(x).squeeze(1), z)
            opt.zero_grad()
            loss.backward()
            opt.step()
            sq.append(loss.item())
        print(f"epoch {epoch}  training loss {np.mean(sq):.4f}  mean error on validation {evaluate(net, valid_loader, stats):.2f} ohm")


main()
