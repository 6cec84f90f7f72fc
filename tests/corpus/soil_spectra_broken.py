# expects: MOD014
"""Four soil properties from one infrared spectrum: a small attention trunk and one head a property."""
import math

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

PROPERTIES = ["clay", "carbon", "moisture", "pH"]
BANDS, PATCH = 96, 8


def clones(module, n):
    """Produce n layers of one kind."""
    return nn.ModuleList([module for _ in range(n)])


class Attention(nn.Module):
    def __init__(self, d, heads):
        super().__init__()
        self.heads = heads
        self.query, self.key, self.value, self.merge = (nn.Linear(d, d) for _ in range(4))

    def forward(self, x):
        b, t, d = x.shape
        q, k, v = (f(x).view(b, t, self.heads, -1).transpose(1, 2) for f in (self.query, self.key, self.value))
        w = (q @ k.transpose(-2, -1) / math.sqrt(q.size(-1))).softmax(-1)
        return self.merge((w @ v).transpose(1, 2).reshape(b, t, d))


class Layer(nn.Module):
    def __init__(self, d, heads):
        super().__init__()
        self.attn = Attention(d, heads)
        self.norm1, self.norm2 = nn.LayerNorm(d), nn.LayerNorm(d)
        self.ff = nn.Sequential(nn.Linear(d, 2 * d), nn.GELU(), nn.Linear(2 * d, d))

    def forward(self, x):
        x = x + self.attn(self.norm1(x))
        return x + self.ff(self.norm2(x))


class SoilNet(nn.Module):
    def __init__(self, d=32, heads=4, depth=2):
        super().__init__()
        tokens = BANDS // PATCH
        self.patch = nn.Linear(PATCH, d)
        self.place = nn.Parameter(torch.randn(tokens, d) * 0.2)
        self.layers = nn.ModuleList(Layer(d, heads) for _ in range(depth))
        self.norm = nn.LayerNorm(d * tokens)
        self.heads = clones(nn.Sequential(nn.Linear(d * tokens, 32), nn.GELU(), nn.Linear(32, 1)), len(PROPERTIES))
        for p in self.heads.parameters():
            if p.dim() > 1:
                nn.init.xavier_uniform_(p)

    def forward(self, spectra):
        h = self.patch(spectra.unflatten(1, (-1, PATCH))) + self.place
        for layer in self.layers:
            h = layer(h)
        h = self.norm(h.flatten(1))
        return torch.cat([head(h) for head in self.heads], dim=1)


def spectra(n, rng):
    band = np.arange(BANDS)
    props = rng.normal(size=(n, 4)) @ np.array([[1, .3, .2, 0], [0, .9, .3, -.2], [0, 0, .9, .1], [0, 0, 0, 1.]])
    peaks = np.stack([np.exp(-((band - c) / w) ** 2) for c, w in [(14, 5), (38, 8), (62, 6), (80, 4)]])
    curve = np.tanh(0.7 * props) @ peaks
    slope = rng.normal(0, 0.3, (n, 1)) * band / BANDS
    x = curve + slope + rng.normal(0, 0.15, (n, BANDS))
    return torch.tensor(x, dtype=torch.float32), torch.tensor(props, dtype=torch.float32)


torch.manual_seed(10)
x, y = spectra(3000, np.random.default_rng(10))
x_train, x_test, y_train, y_test = x[:2400], x[2400:], y[:2400], y[2400:]
mu, sd = x_train.mean(0), x_train.std(0)
x_train, x_test = (x_train - mu) / sd, (x_test - mu) / sd
y_mu, y_sd = y_train.mean(0), y_train.std(0)

net = SoilNet()
print(sum(p.numel() for p in net.parameters()), "parameters")
opt = torch.optim.AdamW(net.parameters(), lr=1e-3, weight_decay=0.02)
EPOCHS = 10
sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, EPOCHS)

for epoch in range(1, EPOCHS + 1):
    net.train()
    running = 0.0
    for rows in torch.randperm(len(x_train)).split(60):
        loss = F.huber_loss(net(x_train[rows]), (y_train[rows] - y_mu) / y_sd)
        opt.zero_grad()
        loss.backward()
        opt.step()
        running += loss.item() * len(rows)
    sched.step()
    net.eval()
    with torch.no_grad():
        pred = net(x_test) * y_sd + y_mu
        r2 = 1 - (pred - y_test).square().sum(0) / (y_test - y_test.mean(0)).square().sum(0)
    print(f"epoch {epoch:2d} | huber {running / len(x_train):.4f} | R2 "
          + " ".join(f"{name} {v:.3f}" for name, v in zip(PROPERTIES, r2.tolist())))
