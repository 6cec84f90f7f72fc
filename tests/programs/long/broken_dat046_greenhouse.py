# expects: DAT046
"""Next-hour greenhouse temperature from the last 24 hours of sensor readings.

The inside thermometer drops out from time to time (rows with missing readings in the log).
"""

import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset


def sensor_log(hours=3800, seed=21):
    rng = np.random.default_rng(seed)
    t = np.arange(hours)
    season = 4 * np.sin(2 * np.pi * t / (24 * 120))
    weather = np.zeros(hours)
    for i in range(1, hours):
        weather[i] = 0.97 * weather[i - 1] + 0.5 * rng.normal()
    sun = np.clip(np.sin(2 * np.pi * (t % 24 - 6) / 24), 0, None) * np.clip(0.7 + 0.15 * weather, 0.05, 1.3)
    outside = 12 + season + 1.2 * weather + 5 * sun + 0.4 * rng.normal(size=hours)
    heater = ((t % 24 < 6) | (t % 24 > 20)).astype(float)
    inside = np.zeros(hours)
    inside[0] = 18
    for i in range(1, hours):
        pull = 0.25 * (outside[i - 1] - inside[i - 1]) + 2.6 * sun[i - 1] + 1.4 * heater[i - 1]
        inside[i] = inside[i - 1] + pull + 0.25 * rng.normal()
    target = inside.copy()
    gaps = rng.random(hours) < 0.05
    for start in np.flatnonzero(gaps):
        target[start : start + rng.integers(2, 9)] = np.nan
    humidity = 85 - 1.6 * (inside - 10) + rng.normal(size=hours) * 1.5
    feats = np.stack([outside, sun, heater, humidity, np.sin(2 * np.pi * t / 24), np.cos(2 * np.pi * t / 24)], 1)
    return feats.astype(np.float32), target.astype(np.float32)


class Forecaster(nn.Module):
    def __init__(self, n_in, hidden=32):
        super().__init__()
        self.rnn = nn.GRU(n_in, hidden, batch_first=True)
        self.head = nn.Sequential(nn.Linear(hidden, hidden), nn.Tanh(), nn.Linear(hidden, 1))

    def forward(self, x):
        _, h = self.rnn(x)
        return self.head(h[-1]).squeeze(-1)


def windows(feats, target, width=24):
    x = np.stack([feats[i - width : i] for i in range(width, len(feats))])
    return torch.from_numpy(x), torch.from_numpy(target[width:])


def main():
    torch.manual_seed(5)
    feats, target = sensor_log()
    split = 3000
    mean, std = feats[:split].mean(0), feats[:split].std(0)
    feats = (feats - mean) / std
    t_mean, t_std = float(np.nanmean(target[:split])), float(np.nanstd(target[:split]))
    x_tr, y_tr = windows(feats[:split], target[:split])
    x_va, y_va = windows(feats[split:], target[split:])
    seen = ~torch.isnan(y_va)
    x_va, y_va = x_va[seen], y_va[seen]

    model = Forecaster(x_tr.shape[-1])
    optim = torch.optim.Adam(model.parameters(), lr=3e-3)
    sched = torch.optim.lr_scheduler.ExponentialLR(optim, 0.8)
    loader = DataLoader(TensorDataset(x_tr, y_tr), batch_size=64, shuffle=True)
    mse = nn.MSELoss()
    for epoch in range(10):
        model.train()
        run = 0.0
        for xb, yb in loader:
            optim.zero_grad()
            yb = (torch.nan_to_num(yb) - t_mean) / t_std
            loss = mse(model(xb), yb)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optim.step()
            run += loss.item() * len(xb)
        sched.step()
        model.eval()
        with torch.no_grad():
            err = model(x_va) * t_std + t_mean - y_va
        print(
            f"epoch {epoch:2d}  train {run / len(y_tr):.4f}  val MAE {err.abs().mean():.3f} degC  bias {err.mean():+.3f}"
        )


main()
