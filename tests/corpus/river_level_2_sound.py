# expects: nothing
import math
import numpy as np
import torch
from torch import nn
import torch.nn.functional as F

FILL = 9999.0      # logger writes this when the probe gives no answer
LOOKBACK, AHEAD = 36, 6


def simulate_station(rng, hours):
    t = np.arange(hours)
    rain = (rng.random(hours) < 0.04) * rng.gamma(5.0, 0.8, hours)
    level = np.zeros(hours)
    store = 0.0
    for i in range(1, hours):
        store = 0.93 * store + rain[i]
        level[i] = 0.85 * level[i - 1] + 0.15 * (0.2 * store + 1.4 * math.sin(2 * math.pi * t[i] / 24))
    level += rng.normal(0, 0.02, hours) + 2.0
    return np.stack([level, rain], axis=1)


def load_stations(n=10, hours=12000, seed=8):
    """First 75% of every record is used for training; its old probe failed at times."""
    rng = np.random.default_rng(seed)
    train, test = [], []
    for _ in range(n):
        rec = simulate_station(rng, hours)
        cut = int(hours * 0.75)
        old, new = rec[:cut].copy(), rec[cut:]
        for start in rng.integers(0, cut - 8, 2):
            old[start:start + rng.integers(2, 7), 0] = FILL
        train.append(old)
        test.append(new)
    return train, test


def cut_windows(records, step):
    out = []
    for rec in records:
        last = len(rec) - LOOKBACK - AHEAD
        out += [rec[s:s + LOOKBACK + AHEAD] for s in range(0, last, step)]
    return torch.tensor(np.stack(out), dtype=torch.float32)


def drop_outages(windows):
    failed = (windows[:, :, 0] == FILL).any(dim=1)
    return windows[~failed]


class CausalConv(nn.Module):
    def __init__(self, cin, cout, dilation):
        super().__init__()
        self.left = 2 * dilation
        self.conv = nn.Conv1d(cin, cout, 3, dilation=dilation)
        self.skip = nn.Conv1d(cin, cout, 1)

    def forward(self, x):
        return F.relu(self.conv(F.pad(x, (self.left, 0)))) + self.skip(x)


class LevelTCN(nn.Module):
    def __init__(self, width=24):
        super().__init__()
        self.body = nn.Sequential(CausalConv(2, width, 1), CausalConv(width, width, 2),
                                  CausalConv(width, width, 4), CausalConv(width, width, 8))
        self.head = nn.Linear(width, AHEAD)

    def forward(self, x):
        base = x[:, -1:, 0]
        return base + self.head(self.body(x.transpose(1, 2))[:, :, -1])


torch.manual_seed(8)
train_rec, test_rec = load_stations()
train = drop_outages(cut_windows(train_rec, step=12))
test = drop_outages(cut_windows(test_rec, step=12))
print("windows:", len(train), "train,", len(test), "test")

center = train.flatten(0, 1).median(dim=0).values
spread = torch.tensor([0.7, 1.0])       # metres, mm/h
train_z, test_z = (train - center) / spread, (test - center) / spread

model = LevelTCN()
optimizer = torch.optim.RMSprop(model.parameters(), lr=8e-4)
n_epochs, batch = 8, 64
sched = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.8)


def mae_metres(z):
    model.eval()
    with torch.no_grad():
        pred = model(z[:, :LOOKBACK])
    model.train()
    return (pred - z[:, LOOKBACK:, 0]).abs().mean().item() * spread[0].item()


persist = (test[:, LOOKBACK - 1:LOOKBACK, 0] - test[:, LOOKBACK:, 0]).abs().mean().item()
print(f"persistence MAE {persist:.4f} m")

step = 0
for epoch in range(n_epochs):
    for idx in torch.randperm(len(train_z)).split(batch):
        w = train_z[idx]
        loss = F.mse_loss(model(w[:, :LOOKBACK]), w[:, LOOKBACK:, 0])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        step += 1
        if step % 20 == 0:
            print(f"step {step:4d} loss {loss.item():.4f}")
    sched.step()
    print(f"epoch {epoch} test MAE {mae_metres(test_z):.4f} m")
