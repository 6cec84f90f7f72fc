# expects: nothing
"""Hourly electricity demand of a small town from weather + calendar.

Two years of history for fitting, the six weeks after that for checking.
"""

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

SEED = 11
rng = np.random.default_rng(SEED)
torch.manual_seed(SEED)


def simulate(days):
    t = np.arange(days * 24)
    doy = (t / 24) % 365
    hour = t % 24
    wd = (t // 24) % 7
    slow = np.zeros(len(t))
    for i in range(1, len(t)):
        slow[i] = 0.995 * slow[i - 1] + rng.normal(0, 0.35)
    temp = 11 - 12 * np.cos(2 * np.pi * (doy - 15) / 365) + 4 * np.sin(2 * np.pi * (hour - 9) / 24) + slow
    cloud = np.clip(rng.beta(2, 2, len(t)) + 0.1 * np.cos(2 * np.pi * doy / 365), 0, 1)
    wind = rng.gamma(2.0, 2.0, len(t))
    heating = np.maximum(15 - temp, 0) * (1.2 + 0.02 * wind)
    cooling = 1.9 * np.maximum(temp - 21, 0)
    daily = 9 * np.sin(2 * np.pi * (hour - 8) / 24) + 4 * np.sin(4 * np.pi * (hour - 5) / 24)
    load = 60 + heating + cooling + daily - 7 * (wd >= 5) + 3 * cloud + rng.normal(0, 1.5, len(t))
    feats = np.stack(
        [
            temp,
            cloud,
            wind,
            np.sin(2 * np.pi * hour / 24),
            np.cos(2 * np.pi * hour / 24),
            np.sin(4 * np.pi * hour / 24),
            np.cos(4 * np.pi * hour / 24),
            (wd >= 5).astype(float),
        ],
        1,
    )
    return feats.astype(np.float32), load.astype(np.float32)


X, y = simulate(365 * 2 + 195 + 42)
n_test = 42 * 24
X_train, y_train = X[:-n_test], y[:-n_test]
X_test, y_test = X[-n_test:], y[-n_test:]

mean, std = X_train.mean(0), X_train.std(0)
X_train = (X_train - mean) / std
X_test = (X_test - mean) / std

y_mu, y_sd = y_train.mean(), y_train.std()

train_dl = DataLoader(
    TensorDataset(torch.from_numpy(X_train), torch.from_numpy((y_train - y_mu) / y_sd)), batch_size=256, shuffle=True
)

net = nn.Sequential(nn.Linear(X.shape[1], 64), nn.SiLU(), nn.Linear(64, 64), nn.SiLU(), nn.Linear(64, 1))
opt = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=1e-4)
loss_fn = nn.MSELoss()

for epoch in range(15):
    net.train()
    tot = 0.0
    for xb, yb in train_dl:
        opt.zero_grad()
        loss = loss_fn(net(xb).squeeze(-1), yb)
        loss.backward()
        opt.step()
        tot += loss.item() * len(xb)
    net.eval()
    with torch.no_grad():
        pred = net(torch.from_numpy(X_test)).squeeze(-1).numpy() * y_sd + y_mu
    rmse = float(np.sqrt(np.mean((pred - y_test) ** 2)))
    mape = float(np.mean(np.abs(pred - y_test) / y_test) * 100)
    print(f"epoch {epoch + 1:2d}  train mse {tot / len(X_train):.4f}  test rmse {rmse:.2f} MW  mape {mape:.2f}%")
