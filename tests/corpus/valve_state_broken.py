# bug: training stuck at chance: inputs are taken through the epoch permutation but labels are sliced unpermuted in the batch loop
# expects: DAT006
"""Classify the state of a hydraulic valve from a short window of 6 pressure channels."""
import numpy as np
import torch
from torch import nn
import torch.nn.functional as F

SEED = 11
N, T, C, K = 5000, 32, 6, 5
EPOCHS, BATCH = 10, 96

torch.manual_seed(SEED)
rng = np.random.default_rng(SEED)


def simulate(n):
    y = rng.integers(0, K, n)
    t = np.linspace(0, 1, T)
    freq = np.array([2.0, 3.0, 4.0, 5.0, 6.0])[y]
    phase = rng.uniform(0, 2 * np.pi, n)
    lag = rng.normal(0.4, 0.1, (n, C))
    gain = rng.uniform(0.6, 1.4, (n, C))
    base = 2 * np.pi * freq[:, None, None] * t[None, :, None]
    x = gain[:, None, :] * np.sin(base + phase[:, None, None] + lag[:, None, :])
    x = x + rng.normal(0, 2.2, x.shape)
    return x.astype(np.float32), y.astype(np.int64)


class WindowEncoder(nn.Module):
    def __init__(self, d=32):
        super().__init__()
        self.proj = nn.Linear(C, d)
        self.pos = nn.Parameter(torch.randn(1, T, d) * 0.1)
        self.attn = nn.MultiheadAttention(d, 4, batch_first=True)
        self.n1 = nn.LayerNorm(d)
        self.ff = nn.Sequential(nn.Conv1d(d, d, 7, padding=3), nn.GELU(), nn.Conv1d(d, d, 7, padding=3), nn.GELU())
        self.n2 = nn.LayerNorm(d)
        self.head = nn.Linear(d, K)

    def forward(self, x):
        h = self.proj(x) + self.pos
        q = self.n1(h)
        h = h + self.attn(q, q, q, need_weights=False)[0]
        h = h + self.ff(self.n2(h).transpose(1, 2)).transpose(1, 2)
        return self.head(h.mean(dim=1))


x_all, y_all = simulate(N)
n_train = int(0.75 * N)
mu = x_all[:n_train].mean(axis=(0, 1))
sd = x_all[:n_train].std(axis=(0, 1))
x_all = (x_all - mu) / sd
x_train, y_train = torch.tensor(x_all[:n_train]), torch.tensor(y_all[:n_train])
x_test, y_test = torch.tensor(x_all[n_train:]), torch.tensor(y_all[n_train:])

model = WindowEncoder()
opt = torch.optim.AdamW(model.parameters(), lr=1.5e-3, weight_decay=0.01)
sched = torch.optim.lr_scheduler.OneCycleLR(opt, 3e-3, total_steps=EPOCHS * (n_train // BATCH + 1))

for epoch in range(EPOCHS):
    model.train()
    perm = torch.randperm(n_train)
    running, seen = 0.0, 0
    for start in range(0, n_train, BATCH):
        idx = perm[start:start + BATCH]
        xb = x_train[idx]
        yb = y_train[start:start + BATCH]
        loss = F.cross_entropy(model(xb), yb)
        opt.zero_grad()
        loss.backward()
        opt.step()
        sched.step()
        running += loss.item() * len(yb)
        seen += len(yb)
    model.eval()
    with torch.no_grad():
        acc = (model(x_test).argmax(1) == y_test).float().mean().item()
    print(f"epoch {epoch + 1:2d}  train loss {running / seen:.4f}  test acc {acc:.3f}")

print(f"final test accuracy: {acc:.4f}")
