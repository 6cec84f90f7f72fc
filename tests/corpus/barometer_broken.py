# bug: a variance as the difference of two large squares
# expects: no-rule-yet
"""Which way of moving? A phone's barometer (Pa, 25 Hz) tells still / walking / lift / vehicle apart."""
import argparse

import numpy as np
import torch
from torch import nn

KINDS = ["still", "walking", "lift", "vehicle"]


def record(kind, rng, n=128):
    t = np.arange(n) / 25.0
    level = 101_300 + rng.normal(scale=600)
    noise = rng.normal(scale=0.8, size=n)
    if kind == 0:
        move = np.zeros(n)
    elif kind == 1:
        move = rng.uniform(2.5, 4.0) * np.sin(2 * np.pi * rng.uniform(1.6, 2.2) * t + rng.uniform(0, 6.3))
    elif kind == 2:
        move = rng.choice([-1, 1]) * rng.uniform(8.0, 20.0) * (t - t.mean())
    else:
        move = np.cumsum(rng.normal(scale=rng.uniform(0.9, 1.8), size=n))
    return level + move + noise


class PressureStats(nn.Module):
    """Spread of the pressure over sub-windows of several lengths, and of its steps."""

    def __init__(self, lengths=(8, 32, 128)):
        super().__init__()
        self.lengths = lengths

    @staticmethod
    def spread(w):
        return (w ** 2).mean(-1) - w.mean(-1) ** 2

    def forward(self, p):
        cols = []
        for k in self.lengths:
            v = self.spread(p.unfold(1, k, k))
            cols.append(torch.log(v.clamp_min(0) + 1e-2).mean(1))
        return torch.stack(cols, 1)


class Classifier(nn.Module):
    def __init__(self, n_feat, hidden):
        super().__init__()
        self.register_buffer("mu", torch.zeros(n_feat))
        self.register_buffer("sd", torch.ones(n_feat))
        self.net = nn.Sequential(nn.Linear(n_feat, hidden), nn.Tanh(), nn.Linear(hidden, hidden), nn.Tanh(),
                                 nn.Linear(hidden, len(KINDS)))

    def fit_scale(self, f):
        self.mu.copy_(f.mean(0))
        self.sd.copy_(f.std(0) + 1e-6)

    def forward(self, f):
        return self.net((f - self.mu) / self.sd)


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--records", type=int, default=3000)
    ap.add_argument("--hidden", type=int, default=32)
    ap.add_argument("--epochs", type=int, default=40)
    ap.add_argument("--lr", type=float, default=5e-3)
    ap.add_argument("--seed", type=int, default=5)
    args = ap.parse_args()

    torch.manual_seed(args.seed)
    rng = np.random.default_rng(args.seed)
    kinds = rng.integers(0, len(KINDS), size=args.records)
    raw = torch.tensor(np.stack([record(k, rng) for k in kinds]), dtype=torch.float32)
    y = torch.from_numpy(kinds)
    n_val = args.records // 4

    stats = PressureStats()
    feats = stats(raw)
    f_val, y_val, f_tr, y_tr = feats[:n_val], y[:n_val], feats[n_val:], y[n_val:]

    model = Classifier(f_tr.shape[1], args.hidden)
    model.fit_scale(f_tr)
    opt = torch.optim.Adam(model.parameters(), lr=args.lr)
    lossf = nn.CrossEntropyLoss()
    for epoch in range(1, args.epochs + 1):
        model.train()
        losses = []
        for idx in torch.randperm(len(f_tr)).split(64):
            loss = lossf(model(f_tr[idx]), y_tr[idx])
            opt.zero_grad()
            loss.backward()
            opt.step()
            losses.append(loss.item())
        if epoch % 8 == 0:
            model.eval()
            with torch.no_grad():
                pred = model(f_val).argmax(1)
            recalls = [(pred[y_val == c] == c).float().mean().item() for c in range(len(KINDS))]
            print(f"[{epoch:03d}] loss={np.mean(losses):.4f} balanced_acc={np.mean(recalls):.3f} "
                  + " ".join(f"{k}={r:.2f}" for k, r in zip(KINDS, recalls)))


if __name__ == "__main__":
    main()
