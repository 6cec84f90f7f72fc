# expects: TRN012
"""Day-ahead power demand of a supermarket: 10 %, 50 % and 90 % quantiles from weather and calendar."""
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

SEED = 9
QUANTILES = torch.tensor([0.1, 0.5, 0.9])


def demand_table(n, rng):
    temp = rng.normal(14, 8, n)
    hour = rng.uniform(0, 24, n)
    weekend = rng.random(n) < 2 / 7
    promo = rng.random(n) < 0.15
    opening = 1 / (1 + np.exp(-(hour - 7) * 2)) - 1 / (1 + np.exp(-(hour - 21) * 2))
    mean = 60 + 55 * opening * (1 - 0.25 * weekend) + 1.8 * np.clip(temp - 18, 0, None) + 8 * promo * opening
    sigma = 2 + 7 * opening + 0.3 * np.abs(temp - 14)
    kw = mean + sigma * rng.normal(size=n)
    x = np.column_stack([temp, np.sin(hour / 24 * 2 * np.pi), np.cos(hour / 24 * 2 * np.pi),
                         np.sin(hour / 12 * 2 * np.pi), np.cos(hour / 12 * 2 * np.pi), weekend, promo])
    return torch.tensor(x, dtype=torch.float32), torch.tensor(kw, dtype=torch.float32)


class QuantileNet(nn.Module):
    def __init__(self, n_in, hidden=64):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(n_in, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU())
        self.median = nn.Linear(hidden, 1)
        self.widths = nn.Linear(hidden, 2)

    def forward(self, x):
        h = self.net(x)
        mid = self.median(h)
        below, above = nn.functional.softplus(self.widths(h)).split(1, dim=1)
        return torch.cat([mid - below, mid, mid + above], dim=1)


def pinball(q, target):
    diff = target.unsqueeze(1) - q
    return torch.maximum(QUANTILES * diff, (QUANTILES - 1) * diff).mean()


def report(model, loader, mean, std):
    model.eval()
    with torch.no_grad():
        q, y = zip(*[(model(xb), yb) for xb, yb in loader])
    q, y = torch.cat(q) * std + mean, torch.cat(y) * std + mean
    low, mid, high = q.split(1, dim=1)
    covered = ((y >= low) & (y <= high)).float().mean()
    error = (y - mid).abs().mean()
    return {"coverage": covered.item(), "mae_kw": error.item(), "band_kw": (high - low).mean().item()}


def main():
    torch.manual_seed(SEED)
    x, kw = demand_table(5000, np.random.default_rng(SEED))
    n_train = 4000
    x = (x - x[:n_train].mean(0)) / x[:n_train].std(0)
    mean, std = kw[:n_train].mean(), kw[:n_train].std()
    y = (kw - mean) / std
    train = DataLoader(TensorDataset(x[:n_train], y[:n_train]), batch_size=64, shuffle=True)
    valid = DataLoader(TensorDataset(x[n_train:], y[n_train:]), batch_size=250)

    model = QuantileNet(x.shape[1])
    opt = torch.optim.Adam(model.parameters(), lr=2e-3)
    sched = torch.optim.lr_scheduler.ExponentialLR(opt, 0.85)
    for epoch in range(20):
        model.train()
        total = 0.0
        for xb, yb in train:
            opt.zero_grad()
            loss = pinball(model(xb), yb)
            loss.backward()
            opt.step()
            total += loss.item() * len(xb)
        sched.step()
        scores = report(model, valid, mean, std)
        print(f"epoch {epoch:2d}  pinball {total / n_train:.4f}  "
              + "  ".join(f"{k} {v:.3f}" for k, v in scores.items()))


if __name__ == "__main__":
    main()
