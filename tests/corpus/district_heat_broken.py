# bug: rolling mean/std features are taken over df, not the shifted frame, so each window includes the hour to be forecast
# expects: DAT007
"""Next-hour forecast of district heat demand with engineered lags."""
import numpy as np
import pandas as pd
import torch
from torch import nn


def make_series(hours=15000, seed=2):
    rng = np.random.default_rng(seed)
    idx = pd.date_range("2021-01-01", periods=hours, freq="h")
    season = -9 * np.cos(2 * np.pi * (idx.dayofyear - 15) / 365)
    noise = np.zeros(hours)
    for t in range(1, hours):
        noise[t] = 0.97 * noise[t - 1] + rng.normal(0, 0.7)
    temp = 8 + season + 3 * np.sin(2 * np.pi * (idx.hour - 9) / 24) + noise
    demand = 40 + 2.2 * np.maximum(17 - temp, 0)
    demand = demand + 8 * np.exp(-((idx.hour - 7) / 2.0) ** 2) + 6 * np.exp(-((idx.hour - 19) / 2.5) ** 2)
    demand = demand - 4 * (idx.dayofweek >= 5) + rng.normal(0, 4.5, hours)
    return pd.DataFrame({"temp": temp, "demand": demand}, index=idx)


def build_features(df):
    past = df.shift(1)
    feats = pd.DataFrame(index=df.index)
    for lag in (1, 2, 3, 24, 48, 168):
        feats[f"demand_lag{lag}"] = df["demand"].shift(lag)
    feats["temp_lag1"] = past["temp"]
    for w in (3, 24):
        feats[f"demand_mean{w}"] = df["demand"].rolling(w).mean()
        feats[f"demand_std{w}"] = df["demand"].rolling(w).std()
    feats["hour_sin"] = np.sin(2 * np.pi * df.index.hour / 24)
    feats["hour_cos"] = np.cos(2 * np.pi * df.index.hour / 24)
    feats["hour2_sin"] = np.sin(4 * np.pi * df.index.hour / 24)
    feats["hour2_cos"] = np.cos(4 * np.pi * df.index.hour / 24)
    feats["weekend"] = (df.index.dayofweek >= 5).astype(float)
    feats["target"] = df["demand"]
    return feats.dropna()


class Forecaster:
    def __init__(self, n_features, lr=2e-3, batch=128, epochs=30):
        self.net = nn.Sequential(
            nn.Linear(n_features, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 1))
        self.batch, self.epochs = batch, epochs
        self.opt = torch.optim.RMSprop(self.net.parameters(), lr=lr)
        self.sched = torch.optim.lr_scheduler.ExponentialLR(self.opt, 0.88)

    def fit(self, x, y, x_val, y_val, scale):
        for epoch in range(self.epochs):
            perm, losses = torch.randperm(len(x)), []
            for idx in perm.split(self.batch):
                loss = nn.functional.smooth_l1_loss(self.net(x[idx]).squeeze(1), y[idx])
                self.opt.zero_grad()
                loss.backward()
                self.opt.step()
                losses.append(loss.item())
            self.sched.step()
            mae = (self.predict(x_val) - y_val).abs().mean().item() * scale
            print(f"epoch {epoch:2d}  loss {np.mean(losses):.4f}  val MAE {mae:.3f} MW")

    @torch.no_grad()
    def predict(self, x):
        return self.net(x).squeeze(1)


if __name__ == "__main__":
    torch.manual_seed(2)
    table = build_features(make_series())
    n = len(table)
    train, val, test = table[: int(0.7 * n)], table[int(0.7 * n): int(0.85 * n)], table[int(0.85 * n):]
    mean, std = train.mean(), train.std()

    def tensors(part):
        z = torch.tensor(((part - mean) / std).to_numpy(), dtype=torch.float32)
        return z[:, :-1], z[:, -1]

    (x_tr, y_tr), (x_va, y_va), (x_te, y_te) = map(tensors, (train, val, test))
    model = Forecaster(x_tr.shape[1])
    model.fit(x_tr, y_tr, x_va, y_va, std["target"])
    mae = (model.predict(x_te) - y_te).abs().mean().item() * std["target"]
    naive = (test["target"] - test["demand_lag1"]).abs().mean()
    print(f"test MAE {mae:.3f} MW  (last-value forecast {naive:.3f} MW)")
