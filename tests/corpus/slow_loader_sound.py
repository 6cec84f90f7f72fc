# sound: samples parsed once when the data set is built
"""Gesture classification from accelerometer logs kept as JSON lines."""
import json
import math
import random

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


def write_log(n, seed):
    rng = random.Random(seed)
    lines = []
    for _ in range(n):
        label = rng.randrange(3)
        f = (0.1, 0.2, 0.35)[label]
        phase = rng.random() * 6
        points = [[math.sin(f * t + phase + a) + rng.gauss(0, 0.3) for a in (0.0, 1.0, 2.0)] for t in range(60)]
        lines.append(json.dumps({"label": label, "points": points}))
    return lines


def smooth(column, k=5):
    out = []
    for i in range(len(column)):
        window = sorted(column[max(0, i - k):i + k + 1])
        out.append(sum(window) / len(window))
    return out


def parse(line):
    record = json.loads(line)
    columns = [smooth([p[a] for p in record["points"]]) for a in range(3)]
    return torch.tensor(columns), record["label"]


class Gestures(Dataset):
    def __init__(self, lines):
        self.samples = [parse(line) for line in lines]

    def __len__(self):
        return len(self.samples)

    def __getitem__(self, i):
        return self.samples[i]


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Sequential(nn.Conv1d(3, 8, 5), nn.ReLU(), nn.AvgPool1d(2), nn.Conv1d(8, 8, 5), nn.ReLU())
        self.fc = nn.Linear(8, 3)

    def forward(self, x):
        return self.fc(self.conv(x).amax(-1))


if __name__ == "__main__":
    torch.manual_seed(0)
    train = DataLoader(Gestures(write_log(400, 0)), batch_size=16, shuffle=True)
    test = DataLoader(Gestures(write_log(100, 1)), batch_size=50)
    net = Net()
    opt = torch.optim.Adam(net.parameters(), lr=1e-2)
    for epoch in range(8):
        for x, y in train:
            opt.zero_grad()
            loss = nn.functional.cross_entropy(net(x), y)
            loss.backward()
            opt.step()
        with torch.no_grad():
            acc = sum((net(x).argmax(1) == y).sum().item() for x, y in test) / 100
        print(f"epoch {epoch} loss {loss.item():.3f} accuracy {acc:.2f}")
