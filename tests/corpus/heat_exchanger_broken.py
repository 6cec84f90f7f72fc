# bug: the energy-balance penalty is in raw watts squared while the data term is on standardised outputs, so the penalty outweighs the data by orders of magnitude
# expects: LOS021
"""Surrogate for a plate heat exchanger test bench.

Inputs : hot/cold inlet temperature, hot/cold mass flow, fouling factor, plate count
Outputs: duty Q [W], cold outlet temperature [K], hot outlet temperature [K], pressure drop [Pa]
"""
import argparse

import numpy as np
import torch
from torch import nn

CP = 4180.0
NAMES = ["Q", "T_cold_out", "T_hot_out", "dp"]


def bench_data(n, rng):
    th = rng.uniform(330, 365, n)
    tc = rng.uniform(283, 300, n)
    mh = rng.uniform(0.2, 1.2, n)
    mc = rng.uniform(0.2, 1.2, n)
    foul = rng.uniform(0.0, 4e-4, n)
    plates = rng.integers(10, 41, n)
    u = 1.0 / (1.0 / (2200 * (mh / 0.6) ** 0.7) + 1.0 / (2200 * (mc / 0.6) ** 0.7) + foul)
    cmin, cmax = np.minimum(mh, mc) * CP, np.maximum(mh, mc) * CP
    ntu, cr = u * plates * 0.05 / cmin, cmin / cmax
    e = np.exp(-ntu * (1 - cr + 1e-6))
    eff = (1 - e) / (1 - cr * e + 1e-6)
    q = eff * cmin * (th - tc)
    x = np.stack([th, tc, mh, mc, foul, plates], 1)
    y = np.stack([q, tc + q / (mc * CP), th - q / (mh * CP), 9e4 * mc ** 1.8 / plates * (1 + 600 * foul)], 1)
    y[:, 0] *= 1 + 0.01 * rng.standard_normal(n)
    y[:, 1:3] += 0.1 * rng.standard_normal((n, 2))
    y[:, 3] *= 1 + 0.02 * rng.standard_normal(n)
    return x.astype(np.float32), y.astype(np.float32)


class Scaler:
    def __init__(self, a):
        self.mean, self.std = a.mean(0), a.std(0)

    def fwd(self, a):
        return (a - self.mean) / self.std

    def inv(self, a):
        return a * self.std + self.mean


def balance_residual(x, y):
    """Duty minus the heat taken up by the cold stream, and given off by the hot one [W]."""
    cold = y[:, 0] - x[:, 3] * CP * (y[:, 1] - x[:, 1])
    hot = y[:, 0] - x[:, 2] * CP * (x[:, 0] - y[:, 2])
    return torch.stack([cold, hot], dim=1)


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--samples", type=int, default=4000)
    ap.add_argument("--epochs", type=int, default=28)
    ap.add_argument("--batch-size", type=int, default=128)
    ap.add_argument("--lr", type=float, default=2e-3)
    ap.add_argument("--balance", type=float, default=0.1, help="weight of the energy balance term")
    ap.add_argument("--seed", type=int, default=42)
    args = ap.parse_args()

    torch.manual_seed(args.seed)
    rng = np.random.default_rng(args.seed)
    x, y = (torch.from_numpy(a) for a in bench_data(args.samples, rng))
    n_test = args.samples // 4
    x_tr, y_tr, x_te, y_te = x[n_test:], y[n_test:], x[:n_test], y[:n_test]
    sx, sy = Scaler(x_tr), Scaler(y_tr)

    net = nn.Sequential(
        nn.Linear(6, 96), nn.SiLU(),
        nn.Linear(96, 96), nn.SiLU(),
        nn.Linear(96, 4),
    )
    opt = torch.optim.Adam(net.parameters(), lr=args.lr)
    sched = torch.optim.lr_scheduler.StepLR(opt, step_size=10, gamma=0.3)
    q_std = sy.std[0]
    data = torch.utils.data.TensorDataset(x_tr, y_tr)
    loader = torch.utils.data.DataLoader(data, batch_size=args.batch_size, shuffle=True)
    print(f"train {len(x_tr)}, test {len(x_te)}, duty std {q_std:.0f} W")

    def test_r2():
        with torch.no_grad():
            pred = sy.inv(net(sx.fwd(x_te)))
        return 1 - ((pred - y_te) ** 2).sum(0) / ((y_te - y_te.mean(0)) ** 2).sum(0)

    for epoch in range(1, args.epochs + 1):
        total = 0.0
        for xb, yb in loader:
            out = net(sx.fwd(xb))
            fit = nn.functional.mse_loss(out, sy.fwd(yb))
            res = balance_residual(xb, sy.inv(out))
            loss = fit + args.balance * res.pow(2).mean()
            opt.zero_grad()
            loss.backward()
            opt.step()
            total += loss.item()
        sched.step()
        if epoch % 5 == 0:
            r2 = test_r2()
            print(f"epoch {epoch:3d} loss {total / len(loader):.4g} "
                  + " ".join(f"{n}={v:.3f}" for n, v in zip(NAMES, r2.tolist())))
    print(f"mean test R2 {test_r2().mean().item():.4f}")


if __name__ == "__main__":
    main()
