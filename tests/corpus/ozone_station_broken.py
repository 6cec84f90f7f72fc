# bug: the reference target uses -200 as its no-reading placeholder and prepare() only drops real NaNs, so 17% of labels are -200
# expects: DAT046
import argparse

import numpy as np
import pandas as pd
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

SENSORS = ["co_sens", "nox_sens", "no2_sens", "o3_sens", "temp", "rel_hum"]
TARGET = "ozone_ref"


def station_log(hours, seed):
    """Hourly log of a low-cost sensor box next to a reference analyser."""
    rng = np.random.default_rng(seed)
    h = np.arange(hours)
    temp = 15 + 8 * np.sin(2 * np.pi * h / 24) + 6 * np.sin(2 * np.pi * h / (24 * 60)) + rng.normal(0, 2, hours)
    hum = 60 - 1.2 * (temp - 15) + rng.normal(0, 6, hours)
    traffic = np.clip(np.sin(2 * np.pi * (h - 7) / 12), 0, None) * 3 + rng.gamma(2, 0.6, hours)
    no2 = 25 + 12 * traffic + rng.normal(0, 4, hours)
    ozone = 45 + 2.6 * (temp - 15) - 0.5 * (no2 - 40) + 0.04 * (temp - 15) ** 2 + rng.normal(0, 3, hours)
    frame = pd.DataFrame({
        "co_sens": 900 + 110 * traffic + rng.normal(0, 30, hours),
        "nox_sens": 1100 - 90 * traffic + rng.normal(0, 30, hours),
        "no2_sens": 1400 + 8 * no2 - 4 * temp + rng.normal(0, 40, hours),
        "o3_sens": 900 + 9 * ozone + 5 * temp + rng.normal(0, 40, hours),
        "temp": temp,
        "rel_hum": hum,
        TARGET: ozone,
    }, index=pd.date_range("2021-03-01", periods=hours, freq="h"))
    frame.loc[rng.random(hours) < 0.17, TARGET] = -200.0
    return frame


def prepare(frame):
    frame = frame.copy()
    frame["hour_sin"] = np.sin(2 * np.pi * frame.index.hour / 24)
    frame["hour_cos"] = np.cos(2 * np.pi * frame.index.hour / 24)
    frame = frame.dropna()
    cols = SENSORS + ["hour_sin", "hour_cos"]
    return frame[cols].to_numpy(np.float32), frame[[TARGET]].to_numpy(np.float32)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--hours", type=int, default=9000)
    p.add_argument("--epochs", type=int, default=30)
    p.add_argument("--lr", type=float, default=2e-3)
    p.add_argument("--hidden", type=int, default=64)
    args = p.parse_args()

    torch.manual_seed(4)
    x, y = prepare(station_log(args.hours, seed=4))
    order = np.random.default_rng(1).permutation(len(x))
    cut = int(0.8 * len(x))
    tr, te = order[:cut], order[cut:]
    xm, xs = x[tr].mean(0), x[tr].std(0)
    ym, ys = y[tr].mean(), y[tr].std()
    train_set = TensorDataset(torch.tensor((x[tr] - xm) / xs), torch.tensor((y[tr] - ym) / ys))
    loader = DataLoader(train_set, batch_size=64, shuffle=True)
    x_test = torch.tensor((x[te] - xm) / xs)
    y_test = torch.tensor(y[te])

    net = nn.Sequential(
        nn.Linear(x.shape[1], args.hidden), nn.SiLU(),
        nn.Linear(args.hidden, args.hidden), nn.SiLU(),
        nn.Linear(args.hidden, 1),
    )
    opt = torch.optim.Adam(net.parameters(), lr=args.lr)
    sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, args.epochs)
    mse = nn.MSELoss()
    print(f"{len(tr)} training hours, {len(te)} held-out hours")
    for epoch in range(1, args.epochs + 1):
        net.train()
        total = 0.0
        for xb, yb in loader:
            opt.zero_grad()
            loss = mse(net(xb), yb)
            loss.backward()
            opt.step()
            total += loss.item() * len(xb)
        sched.step()
        if epoch % 3 == 0:
            net.eval()
            with torch.no_grad():
                pred = net(x_test) * ys + ym
            mae = (pred - y_test).abs().mean().item()
            r2 = 1 - ((pred - y_test) ** 2).sum().item() / ((y_test - y_test.mean()) ** 2).sum().item()
            print(f"epoch {epoch:3d} | mse {total / len(train_set):.4f} | test MAE {mae:.2f} ug/m3 | R2 {r2:.3f}")


if __name__ == "__main__":
    main()
