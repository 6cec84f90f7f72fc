# bug: the standardised numpy arrays are float64 and the network is cast to match them, so everything trains in double precision at about half speed (prepare / main)
# expects: NUM008
import resource
import time

import numpy as np
import torch
import torch.nn as nn
from sklearn.preprocessing import StandardScaler


def hourly_load(days, rng):
    h = np.arange(days * 24)
    temp = 12 + 9 * np.sin(2 * np.pi * h / (24 * 365)) + 4 * np.sin(2 * np.pi * (h - 9) / 24)
    temp += np.convolve(rng.normal(0, 1, len(h) + 71), np.ones(72) / 6, mode="valid")
    weekend = ((h // 24) % 7 >= 5).astype(float)
    daily = np.sin(2 * np.pi * (h - 7) / 24) + 0.5 * np.sin(4 * np.pi * (h - 3) / 24)
    load = 40 + 8 * daily * (1 - 0.4 * weekend) + 0.06 * (temp - 16) ** 2 - 4 * weekend + rng.normal(0, 1.0, len(h))
    return np.column_stack([load, temp, weekend, np.sin(2 * np.pi * h / 24), np.cos(2 * np.pi * h / 24)])


def prepare(table, split_row, history, horizon):
    scaler = StandardScaler().fit(table[:split_row])
    z = scaler.transform(table)

    def cut(lo, hi):
        starts = np.arange(lo, hi - history - horizon)
        x = np.stack([z[s:s + history].ravel() for s in starts])
        y = np.stack([z[s + history:s + history + horizon, 0] for s in starts])
        return torch.from_numpy(x), torch.from_numpy(y)

    return cut(0, split_row), cut(split_row, len(z)), scaler.scale_[0]


class Residual(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.f1 = nn.Linear(width, width)
        self.f2 = nn.Linear(width, width)

    def forward(self, x):
        return x + self.f2(torch.relu(self.f1(self.norm(x))))


def make_net(n_in, n_out, width=384):
    return nn.Sequential(nn.Linear(n_in, width), Residual(width), Residual(width), nn.Linear(width, n_out))


def main():
    torch.manual_seed(9)
    rng = np.random.default_rng(9)
    history, horizon, batch = 72, 12, 128
    (x, y), (xv, yv), mw = prepare(hourly_load(420, rng), 330 * 24, history, horizon)
    net = make_net(x.shape[1], horizon).to(x.dtype)
    opt = torch.optim.Adam(net.parameters(), lr=5e-4)
    epochs = 10
    sched = torch.optim.lr_scheduler.LinearLR(opt, 1.0, 0.05, total_iters=epochs)
    t0 = time.perf_counter()
    for epoch in range(epochs):
        net.train()
        perm, total = torch.randperm(len(x)), 0.0
        for idx in perm.split(batch):
            loss = nn.functional.smooth_l1_loss(net(x[idx]), y[idx])
            opt.zero_grad()
            loss.backward()
            opt.step()
            total += loss.item() * len(idx)
        sched.step()
        net.eval()
        with torch.no_grad():
            mae = (net(xv) - yv).abs().mean().item() * mw
        print(f"epoch {epoch + 1}  loss {total / len(x):.5f}  held-out MAE {mae:.3f} MW  {time.perf_counter() - t0:.1f}s")
    seconds = time.perf_counter() - t0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"trained in {seconds:.1f}s, {epochs * len(x) / seconds:.0f} windows/s, peak memory {peak:.0f} MB")


if __name__ == "__main__":
    main()
