# expects: nothing
import numpy as np
import torch
import torch.nn as nn
from sklearn.metrics import mean_absolute_error, r2_score
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(3)
rng = np.random.default_rng(3)

# hourly load of one feeder with outside temperature, two years
hours = np.arange(24 * 500)
temp = 12 + 9 * np.sin(2 * np.pi * hours / (24 * 365)) + 4 * np.sin(2 * np.pi * (hours - 8) / 24)
wander = np.zeros(len(hours))
for i in range(1, len(hours)):
    wander[i] = 0.95 * wander[i - 1] + rng.normal(0, 0.6)
temp = temp + wander
weekday = (hours // 24) % 7
load = (
    40
    + 9 * np.sin(2 * np.pi * (hours - 7) / 24) * (weekday < 5)
    + 5 * np.sin(4 * np.pi * (hours - 5) / 24)
    + 0.9 * np.maximum(15 - temp, 0)
    + rng.normal(0, 1.2, len(hours))
)
calendar = np.stack([
    np.sin(2 * np.pi * hours / 24), np.cos(2 * np.pi * hours / 24), (weekday >= 5).astype(float),
], 1)

WINDOW = 36
train_end, val_end = 24 * 350, 24 * 420
raw = np.stack([load, temp], 1)
mu, sd = raw[:train_end].mean(0), raw[:train_end].std(0)
feats = np.concatenate([(raw - mu) / sd, calendar], 1).astype(np.float32)
target = feats[:, 0]


def windows(lo, hi):
    idx = np.arange(lo + WINDOW, hi)
    x = np.stack([feats[i - WINDOW:i] for i in idx])
    return torch.from_numpy(x), torch.from_numpy(target[idx])


x_tr, y_tr = windows(0, train_end)
x_va, y_va = windows(train_end, val_end)
x_te, y_te = windows(val_end, len(hours))


class LoadGRU(nn.Module):
    def __init__(self, n_in, hidden=32):
        super().__init__()
        self.gru = nn.GRU(n_in, hidden, batch_first=True)
        self.head = nn.Sequential(nn.Linear(hidden, 32), nn.SiLU(), nn.Linear(32, 1))

    def forward(self, x):
        _, h = self.gru(x)
        return self.head(h[-1])


def charbonnier(pred, y, eps=1e-2):
    return torch.sqrt((pred - y) ** 2 + eps ** 2).mean()


def predict(net, x):
    net.eval()
    with torch.no_grad():
        return torch.cat([net(c) for c in x.split(512)]).numpy().ravel() * sd[0] + mu[0]


net = LoadGRU(feats.shape[1])
opt = torch.optim.RMSprop(net.parameters(), lr=1e-3)
loader = DataLoader(TensorDataset(x_tr, y_tr), batch_size=64, shuffle=True)

for epoch in range(8):
    net.train()
    running = 0.0
    for xb, yb in loader:
        opt.zero_grad()
        loss = charbonnier(net(xb), yb.unsqueeze(1))
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        opt.step()
        running += loss.item()
    mae = mean_absolute_error(y_va.numpy() * sd[0] + mu[0], predict(net, x_va))
    print(f"epoch {epoch} loss {running / len(loader):.4f} val MAE {mae:.3f} kW")

truth = y_te.numpy() * sd[0] + mu[0]
pred = predict(net, x_te)
print(f"test MAE {mean_absolute_error(truth, pred):.3f} kW  R2 {r2_score(truth, pred):.3f}")
