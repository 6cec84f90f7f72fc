# expects: nothing
"""Predict kiln energy use together with its uncertainty (Gaussian likelihood)."""
import argparse
import math

import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, Dataset


class KilnRuns(Dataset):
    """Columns: load, moisture, ramp rate, peak temperature, ambient, four sensor channels."""

    def __init__(self, n, seed, scaler=None):
        rng = np.random.default_rng(seed)
        x = rng.normal(size=(n, 9))
        x[:, 0] = rng.gamma(4.0, 1.5, n)
        x[:, 1] = rng.beta(2, 6, n) * 30
        x[:, 3] = rng.normal(1050, 60, n)
        load, moist, ramp, peak = x[:, 0], x[:, 1], x[:, 2], (x[:, 3] - 1050) / 60
        clean = 3 * load + 0.12 * load * moist + 4 * np.tanh(ramp) + 5 * peak + 3 * np.sin(2 * x[:, 4]) * x[:, 5]
        y = clean + rng.normal(size=n) * (1.0 + 0.4 * load)
        self.scaler = scaler or (x.mean(0), x.std(0), y.mean(), y.std())
        mx, sx, my, sy = self.scaler
        self.x = torch.tensor((x - mx) / sx, dtype=torch.float32)
        self.y = torch.tensor((y - my) / sy, dtype=torch.float32)

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        return self.x[i], self.y[i]


class EnergyNet(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(9, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU())
        self.out = nn.Linear(width, 2)

    def forward(self, x):
        return self.out(self.body(x))


def gaussian_nll(out, y):
    mean, log_var = out.unbind(-1)
    log_var = log_var.clamp(-6.0, 6.0)
    nll = 0.5 * (log_var + (y - mean) ** 2 / log_var.exp() + math.log(2 * math.pi))
    return nll.mean()


@torch.no_grad()
def report(net, ds):
    net.eval()
    out = net(ds.x)
    rmse = (out[:, 0] - ds.y).pow(2).mean().sqrt().item()
    inside = ((out[:, 0] - ds.y).abs() < 1.645 * (0.5 * out[:, 1]).exp()).float().mean().item()
    r2 = 1 - rmse ** 2 / ds.y.var(unbiased=False).item()
    return rmse * ds.scaler[3], r2, inside


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--epochs", type=int, default=25)
    ap.add_argument("--batch-size", type=int, default=128)
    ap.add_argument("--lr", type=float, default=1e-3)
    ap.add_argument("--width", type=int, default=64)
    ap.add_argument("--seed", type=int, default=8)
    args = ap.parse_args()

    torch.manual_seed(args.seed)
    train = KilnRuns(9000, seed=args.seed)
    val = KilnRuns(1500, seed=args.seed + 1, scaler=train.scaler)
    test = KilnRuns(3000, seed=args.seed + 2, scaler=train.scaler)
    loader = DataLoader(train, batch_size=args.batch_size, shuffle=True)

    net = EnergyNet(args.width)
    opt = torch.optim.RMSprop(net.parameters(), lr=args.lr)
    sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, T_max=args.epochs)
    for epoch in range(1, args.epochs + 1):
        net.train()
        losses = []
        for x, y in loader:
            loss = gaussian_nll(net(x), y)
            opt.zero_grad()
            loss.backward()
            opt.step()
            losses.append(loss.item())
        sched.step()
        if epoch % 3 == 1:
            rmse, r2, inside = report(net, val)
            print(f"epoch {epoch:3d}  nll {np.mean(losses):.4f}  val rmse {rmse:.2f} kWh  90% band covers {inside:.3f}")
    rmse, r2, inside = report(net, test)
    print(f"test: rmse {rmse:.2f} kWh, R2 {r2:.3f}, 90% band covers {inside:.3f}")


if __name__ == "__main__":
    main()
