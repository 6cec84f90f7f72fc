# expects: DAT022
# Vibration windows of a pump: 0 = healthy, 1 = bearing fault starting. CNN on the raw signal.
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset, WeightedRandomSampler

SEED = 11
LENGTH = 128
FAULT_SHARE = 0.025


class PumpWindows(Dataset):
    def __init__(self, n, seed):
        g = np.random.default_rng(seed)
        t = np.arange(LENGTH)
        self.x = np.zeros((n, 1, LENGTH), dtype=np.float32)
        self.y = (g.random(n) < FAULT_SHARE).astype(np.int64)
        for i in range(n):
            f = g.uniform(0.03, 0.06)
            s = np.sin(2 * np.pi * (f * t + g.random())) + 0.3 * np.sin(4 * np.pi * (f * t + g.random()))
            s += g.normal(0, 0.3, LENGTH)
            amp = g.uniform(0.5, 1.1) if self.y[i] else g.beta(1.0, 2.5)
            period, start = g.integers(18, 30), g.integers(0, 18)
            for k in range(start, LENGTH - 8, period):
                s[k : k + 8] += 1.5 * amp * np.exp(-np.arange(8) / 3) * np.cos(np.arange(8) * 2.2)
            self.x[i, 0] = s

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        return torch.from_numpy(self.x[i]), int(self.y[i])


class FaultNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.c1 = nn.Conv1d(1, 12, 9, padding=4)
        self.c2 = nn.Conv1d(12, 24, 5, padding=2, stride=2)
        self.c3 = nn.Conv1d(24, 24, 5, padding=2, stride=2)
        self.out = nn.Linear(48, 2)

    def forward(self, x):
        x = F.relu(self.c1(x))
        x = F.relu(self.c2(x))
        x = F.relu(self.c3(x))
        return self.out(torch.cat([x.mean(-1), x.amax(-1)], 1))


def report(model, ds, name):
    model.eval()
    with torch.no_grad():
        pred = model(torch.from_numpy(ds.x)).argmax(1).numpy()
    acc = (pred == ds.y).mean()
    recalls = [(pred[ds.y == c] == c).mean() for c in (0, 1)]
    print(
        f"{name}: accuracy {acc:.3f}  recall healthy {recalls[0]:.3f}  fault {recalls[1]:.3f}  balanced {np.mean(recalls):.3f}"
    )


torch.manual_seed(SEED)
train_ds, val_ds = PumpWindows(6000, 1), PumpWindows(3000, 2)
print("class counts", np.bincount(train_ds.y))
train_dl = DataLoader(train_ds, batch_size=64, shuffle=True)

model = FaultNet()
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=1e-2)
for epoch in range(5):
    model.train()
    running = []
    for xb, yb in train_dl:
        xb = torch.roll(xb, int(torch.randint(LENGTH, (1,))), dims=-1) * (0.95 + 0.1 * torch.rand(len(xb), 1, 1))
        loss = F.cross_entropy(model(xb), yb)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        running.append(loss.item())
    print(f"[{epoch}] loss {np.mean(running):.4f}")
    report(model, val_ds, "   val")
