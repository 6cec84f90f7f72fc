# expects: LOS053
"""Time-contrastive representation of spindle vibration: windows close in time should be embedded close together.
Judged by a linear probe on the hidden operating state."""
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.linear_model import LogisticRegression

RATE = 64            # samples per second
WINDOW = 64
HOP = 64
GAP_S = 2.0
STATES = 5
TAU = 0.2


def recording(seconds, rng):
    """Piecewise constant operating state; phase, loudness and mains hum drift from second to second."""
    states, sig = [], []
    bands = np.array([[5, 11], [6, 14], [7, 11], [8, 14], [9, 17]])
    s, left = 0, 0
    for _ in range(seconds):
        if left == 0:
            s, left = rng.integers(STATES), rng.integers(15, 40)
        left -= 1
        t = np.arange(RATE) / RATE
        w = sum(np.sin(2 * np.pi * (f + rng.normal(scale=0.15)) * t + rng.uniform(0, 6.28)) for f in bands[s])
        hum = rng.uniform(0.5, 3.0) * np.sin(2 * np.pi * rng.uniform(18, 30) * t + rng.uniform(0, 6.28))
        sig.append(rng.uniform(0.6, 1.4) * w + hum + 0.4 * rng.normal(size=RATE))
        states.append(s)
    return np.concatenate(sig).astype(np.float32), np.array(states)


def windows(signal):
    starts = range(0, len(signal) - WINDOW + 1, HOP)
    return torch.tensor(np.stack([signal[a:a + WINDOW] for a in starts]))


class Encoder(nn.Module):
    def __init__(self, dim=24):
        super().__init__()
        self.conv = nn.Sequential(nn.Conv1d(1, 24, 15, padding=7), nn.ReLU(), nn.Conv1d(24, 32, 9, stride=2, padding=4),
                                  nn.ReLU(), nn.AdaptiveAvgPool1d(1), nn.Flatten())
        self.project = nn.Sequential(nn.Linear(32, 48), nn.ReLU(), nn.Linear(48, dim))

    def forward(self, x):
        return F.normalize(self.project(self.conv(x[:, None])), dim=1)


def neighbour(idx, total):
    """A window up to GAP_S seconds before or after."""
    reach = int(GAP_S) // HOP
    shift = (torch.rand(idx.shape) * reach).ceil().long()
    sign = torch.randint(0, 2, idx.shape) * 2 - 1
    other = idx + sign * shift
    return torch.where((other < 0) | (other >= total), idx - sign * shift, other)


def info_nce(a, b):
    logits = a @ b.T / TAU
    target = torch.arange(len(a))
    return 0.5 * (F.cross_entropy(logits, target) + F.cross_entropy(logits.T, target))


def probe(enc, xtr, ytr, xte, yte):
    enc.eval()
    with torch.no_grad():
        a, b = enc(xtr).numpy(), enc(xte).numpy()
    return LogisticRegression(max_iter=500).fit(a, ytr).score(b, yte)


def main():
    torch.manual_seed(2)
    rng = np.random.default_rng(2)
    sig, ytr = recording(3000, rng)
    sig_te, yte = recording(800, rng)
    mu, sd = sig.mean(), sig.std()
    x, xte = windows((sig - mu) / sd), windows((sig_te - mu) / sd)
    enc = Encoder()
    opt = torch.optim.Adam(enc.parameters(), lr=2e-3)
    print(f"untrained probe accuracy {probe(enc, x, ytr, xte, yte):.3f}")
    for epoch in range(1, 21):
        enc.train()
        total, n = 0.0, 0
        for idx in torch.randperm(len(x)).split(64):
            if len(idx) < 64:
                continue
            loss = info_nce(enc(x[idx]), enc(x[neighbour(idx, len(x))]))
            opt.zero_grad()
            loss.backward()
            opt.step()
            total, n = total + loss.item(), n + 1
        if epoch % 4 == 0:
            print(f"epoch {epoch:2d} contrastive loss {total / n:.4f} probe accuracy {probe(enc, x, ytr, xte, yte):.3f}")


main()
