# bug: a ReLU at the end, targets below 0
# expects: MOD002
"""24 h temperature forecast for a handful of weather stations from the last 72 h."""
import argparse

import numpy as np
import torch
from torch import nn

HIST, AHEAD = 72, 24


def station(hours, rng):
    t = np.arange(hours)
    year = 9.0 * np.cos(2 * np.pi * (t / 8766 - rng.normal(0.55, 0.01)))
    amp = rng.uniform(2.5, 5.0)
    day = amp * np.cos(2 * np.pi * (t - 15) / 24) * (1 + 0.3 * np.cos(2 * np.pi * (t / 8766 - 0.5)))
    front = np.zeros(hours)
    weather = np.zeros(hours)
    for i in range(1, hours):
        front[i] = 0.985 * front[i - 1] + rng.normal(0, 0.25)
        weather[i] = 0.98 * weather[i - 1] + 0.06 * front[i]
    return rng.uniform(6, 14) + year + day + 1.5 * weather + rng.normal(0, 0.3, hours)


def windows(series, stride):
    starts = range(0, series.shape[1] - HIST - AHEAD + 1, stride)
    past = np.stack([s[i:i + HIST] for s in series for i in starts])
    future = np.stack([s[i + HIST:i + HIST + AHEAD] for s in series for i in starts])
    return torch.tensor(past, dtype=torch.float32), torch.tensor(future, dtype=torch.float32)


def conv(c_in, c_out, dilation):
    return nn.Sequential(nn.Conv1d(c_in, c_out, 3, padding=dilation, dilation=dilation), nn.BatchNorm1d(c_out), nn.ReLU())


def dense(d_in, d_out):
    return nn.Sequential(nn.Linear(d_in, d_out), nn.ReLU())


class TempCast(nn.Module):
    def __init__(self, c=24):
        super().__init__()
        self.body = nn.Sequential(conv(1, c, 1), conv(c, c, 2), conv(c, c, 4), nn.AvgPool1d(3), conv(c, c, 4))
        self.head = nn.Sequential(nn.Flatten(), dense(c * (HIST // 3), 96), dense(96, AHEAD))

    def forward(self, x):
        return self.head(self.body(x[:, None]))


def main():
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("--stations", type=int, default=5)
    ap.add_argument("--epochs", type=int, default=12)
    ap.add_argument("--lr", type=float, default=2e-3)
    ap.add_argument("--seed", type=int, default=17)
    a = ap.parse_args()

    rng = np.random.default_rng(a.seed)
    torch.manual_seed(a.seed)
    series = np.stack([station(3 * 8766, rng) for _ in range(a.stations)])
    cut = 2 * 8766
    Xt, Yt = windows(series[:, :cut], stride=11)
    Xv, Yv = windows(series[:, cut:], stride=23)
    mean, std = series[:, :cut].mean(), series[:, :cut].std()
    norm = lambda v: ((v - mean) / std).float()
    Xtn, Ytn, Xvn = norm(Xt), norm(Yt), norm(Xv)
    persist = (Xv[:, -24:] - Yv).abs().mean().item()
    print(f"{len(Xt)} training windows, {len(Xv)} validation windows, same-as-yesterday MAE {persist:.2f} C")

    net = TempCast()
    opt = torch.optim.AdamW(net.parameters(), lr=a.lr, weight_decay=1e-3)
    sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, a.epochs)
    mse = nn.MSELoss()
    for epoch in range(a.epochs):
        net.train()
        acc = 0.0
        for ix in torch.randperm(len(Xtn)).split(128):
            opt.zero_grad()
            loss = mse(net(Xtn[ix]), Ytn[ix])
            loss.backward()
            opt.step()
            acc += loss.item() * len(ix)
        sched.step()
        net.eval()
        with torch.no_grad():
            out = net(Xvn)
            vloss = mse(out, norm(Yv)).item()
            mae = (out * std + mean - Yv).abs().mean().item()
        print(f"epoch {epoch + 1:2d}: train mse {acc / len(Xtn):.4f}  val mse {vloss:.4f}  val MAE {mae:.2f} C")


if __name__ == "__main__":
    main()
