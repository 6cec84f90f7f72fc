# expects: nothing
# Non-intrusive load monitoring: from the household mains signal, say for every 6-second
# sample whether the kettle is on. Simulated houses (fridge, oven, TV, kettle).
import numpy as np
import torch
import torch.nn as nn

torch.manual_seed(11)
rng = np.random.default_rng(11)

T = 120            # samples per window (12 minutes)
N_TRAIN, N_VAL = 900, 240
BATCH = 32
HID = 40
EPOCHS = 15


def boxes(n_events, lo, hi, watts, jitter):
    sig = np.zeros(T)
    for _ in range(n_events):
        s = rng.integers(0, T)
        d = rng.integers(lo, hi)
        sig[s:s + d] += watts + rng.normal(0, jitter)
    return sig


def household():
    fridge = boxes(rng.integers(1, 3), 20, 50, 110, 10)
    oven = boxes(rng.integers(0, 3), 4, 9, 1900, 120) + boxes(rng.integers(0, 3), 30, 60, 2100, 150)
    tv = boxes(rng.integers(0, 2), 40, 120, 140, 30)
    kettle = np.zeros(T)
    for _ in range(rng.integers(1, 4)):
        s = rng.integers(0, T - 15)
        d = rng.integers(14, 25)
        kettle[s:s + d] = 2000 + rng.normal(0, 60)
    mains = 80 + fridge + oven + tv + kettle + rng.normal(0, 25, T)
    return mains, kettle > 0


def make(n):
    m, k = zip(*(household() for _ in range(n)))
    return np.stack(m), np.stack(k)


xtr, ytr = make(N_TRAIN)
xva, yva = make(N_VAL)
mu, sd = xtr.mean(), xtr.std()


def prep(x):
    x = (x - mu) / sd
    dx = np.diff(x, axis=1, prepend=x[:, :1])      # edges matter more than the level
    return torch.tensor(np.stack([x, dx], -1), dtype=torch.float32)


xtr, xva = prep(xtr), prep(xva)
ytr, yva = torch.tensor(ytr, dtype=torch.float32), torch.tensor(yva, dtype=torch.float32)


class Tagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.GRU(2, HID, bidirectional=True)
        self.out = nn.Sequential(nn.Linear(2 * HID, 32), nn.ReLU(), nn.Linear(32, 1))

    def forward(self, x):
        # x: (B, T, 2); the GRU wants time first
        B, steps, _ = x.shape
        h, _ = self.rnn(x.permute(1, 0, 2).contiguous())
        h = h.permute(1, 0, 2).reshape(B, steps, 2 * HID)
        return self.out(h).squeeze(-1)


net = Tagger()
opt = torch.optim.Adam(net.parameters(), lr=4e-3)
crit = nn.BCEWithLogitsLoss()


def f1(logits, y):
    p = logits > 0
    y = y > 0.5
    tp = (p & y).sum().item()
    return 2 * tp / max(1, p.sum().item() + y.sum().item())


print(f'kettle on in {ytr.mean():.1%} of the training samples')
for ep in range(1, EPOCHS + 1):
    net.train()
    order = torch.randperm(N_TRAIN)
    tot, seen = 0.0, 0
    for i in range(0, N_TRAIN, BATCH):
        idx = order[i:i + BATCH]
        loss = crit(net(xtr[idx]), ytr[idx])
        opt.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        opt.step()
        tot += loss.item() * len(idx)
        seen += len(idx)
    net.eval()
    with torch.no_grad():
        lg = torch.cat([net(xva[i:i + BATCH]) for i in range(0, N_VAL, BATCH)])
    print(f'epoch {ep:2d}  train bce {tot / seen:.4f}  val bce {crit(lg, yva).item():.4f}  '
          f'val F1 {f1(lg, yva):.3f}  val acc {((lg > 0) == (yva > 0.5)).float().mean():.3f}')
