# expects: nothing
# %% [markdown]
# # Pretraining on wristband accelerometer windows without labels (VICReg), then a linear probe

# %%
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.linear_model import LogisticRegression

torch.manual_seed(5)
rng = np.random.default_rng(5)
ACTIVITIES = ["rest", "walk", "stairs", "run", "cycle", "wash"]
T = 64

# %% the recordings: 3 axes, 64 samples a window
def window(act):
    t = np.arange(T) / 25.0
    base = {"rest": 0.0, "walk": 1.9, "stairs": 1.5, "run": 2.9, "cycle": 1.2, "wash": 3.6}[act] * rng.uniform(0.7, 1.3)
    amp = {"rest": 0.05, "walk": 0.6, "stairs": 0.7, "run": 1.5, "cycle": 0.5, "wash": 0.8}[act] * rng.uniform(0.5, 1.5)
    ph = rng.uniform(0, 2 * np.pi)
    w = 2 * np.pi * base * t + ph
    x = amp * np.sin(w)
    y = amp * (0.7 * np.sin(2 * w + 0.5) if act in ("walk", "run") else 0.6 * np.cos(w))
    z = amp * (np.abs(np.sin(w / 2)) if act in ("stairs", "run") else 0.3 * np.sin(w + 1.0))
    s = np.stack([x, y, z]) + rng.normal(0, 0.4, (3, T))
    return s.astype(np.float32)

labels = rng.integers(0, len(ACTIVITIES), 3600)
signals = torch.from_numpy(np.stack([window(ACTIVITIES[k]) for k in labels]))
n_train = 3000
mu = signals[:n_train].mean((0, 2), keepdim=True)
sd = signals[:n_train].std((0, 2), keepdim=True)
signals = (signals - mu) / sd
train_x, test_x = signals[:n_train], signals[n_train:]
train_y, test_y = labels[:n_train], labels[n_train:]

# %% augmentations
def augment(x):
    n = len(x)
    scale = 1 + 0.15 * torch.randn(n, 1, 1)
    jitter = 0.15 * torch.randn_like(x)
    shift = torch.randint(0, T, (n, 1))
    idx = (torch.arange(T) + shift) % T
    x = x.gather(2, idx[:, None, :].expand(-1, 3, -1))
    keep = torch.ones(n, 1, T)
    start = torch.randint(0, T - 10, (n,))
    for k in range(n):
        keep[k, :, start[k]:start[k] + 10] = 0
    return x * scale * keep + jitter

# %% encoder and expander
class Encoder(nn.Module):
    def __init__(self, d=64):
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv1d(3, 32, 7, padding=3), nn.BatchNorm1d(32), nn.ReLU(), nn.MaxPool1d(2),
            nn.Conv1d(32, 64, 5, padding=2), nn.BatchNorm1d(64), nn.ReLU(), nn.MaxPool1d(2),
            nn.Conv1d(64, d, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool1d(1), nn.Flatten())

    def forward(self, x):
        return self.net(x)

encoder = Encoder()
expander = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 64))

def variance_term(z, gamma=1.0):
    std = torch.sqrt(z.var(dim=0) + 1e-4)
    return F.relu(gamma - std).mean()

def covariance_term(z):
    z = z - z.mean(0)
    c = z.T @ z / (len(z) - 1)
    off = c - torch.diag(c.diagonal())
    return off.pow(2).sum() / z.shape[1]

def vicreg(a, b):
    inv = F.mse_loss(a, b)
    var = variance_term(a) + variance_term(b)
    cov = covariance_term(a) + covariance_term(b)
    return 25 * inv + 25 * var + cov

# %% probe
def probe():
    encoder.eval()
    with torch.no_grad():
        f_tr, f_te = encoder(train_x).numpy(), encoder(test_x).numpy()
    encoder.train()
    few = slice(0, 300)          # only 300 windows were annotated
    clf = LogisticRegression(max_iter=1000).fit(f_tr[few], train_y[few])
    return clf.score(f_te, test_y)

# %% train
opt = torch.optim.AdamW(list(encoder.parameters()) + list(expander.parameters()), lr=1e-3, weight_decay=1e-4)
EPOCHS, BS = 28, 150
for epoch in range(1, EPOCHS + 1):
    total = 0.0
    batches = torch.randperm(n_train).split(BS)
    for b in batches:
        za = expander(encoder(augment(train_x[b])))
        zb = expander(encoder(augment(train_x[b])))
        loss = vicreg(za, zb)
        opt.zero_grad()
        loss.backward()
        opt.step()
        total += loss.item()
    if epoch % 4 == 0:
        print(f"epoch {epoch:2d}  pretext loss {total / len(batches):.3f}  linear probe accuracy {probe():.3f}")
