# bug: float16 autocast without a gradient scaler: the small gradients of the strain loss underflow to zero (training loop)
# expects: NUM009
"""Surrogate for strain along a loaded beam (values in per mille), trained in mixed precision."""
import argparse
import math

import torch
from torch import nn


def beam_strain(n, points, gen):
    """Two point loads and a distributed load -> strain at every gauge point."""
    p = torch.rand(n, 6, generator=gen)
    x = torch.linspace(0, 1, points)
    a, b = p[:, 0:1], p[:, 1:2]
    f1, f2, q, k = p[:, 2:3] * 2 - 1, p[:, 3:4] * 2 - 1, p[:, 4:5] * 2 - 1, 1 + 3 * p[:, 5:6]

    def moment(pos, force):
        left = force * (1 - pos) * x
        return left - force * (x - pos).clamp(min=0)

    m = moment(a, f1) + moment(b, f2) + q * x * (1 - x) / 2 + 0.1 * q * torch.sin(k * math.pi * x)
    return p * 2 - 1, 0.1 * m


class BeamMLP(nn.Module):
    """Works in standardised strain, hands out per mille."""

    def __init__(self, n_in, mean, std, width=96, depth=3):
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("std", std)
        self.inp = nn.Linear(n_in, width)
        self.layers = nn.ModuleList(nn.Linear(width, width) for _ in range(depth))
        self.out = nn.Linear(width, len(mean))

    def forward(self, p):
        h = torch.tanh(self.inp(p))
        for layer in self.layers:
            h = torch.tanh(layer(h))
        return self.out(h).float() * self.std + self.mean


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--steps", type=int, default=700)
    ap.add_argument("--batch", type=int, default=128)
    ap.add_argument("--points", type=int, default=128)
    ap.add_argument("--lr", type=float, default=1e-3)
    args = ap.parse_args()

    torch.manual_seed(8)
    gen = torch.Generator().manual_seed(8)
    p_train, s_train = beam_strain(6000, args.points, gen)
    p_test, s_test = beam_strain(1500, args.points, gen)

    net = BeamMLP(6, s_train.mean(0), s_train.std())
    opt = torch.optim.Adam(net.parameters(), lr=args.lr)
    sched = torch.optim.lr_scheduler.LinearLR(opt, 1.0, 0.05, total_iters=args.steps)

    for step in range(1, args.steps + 1):
        idx = torch.randint(0, len(p_train), (args.batch,), generator=gen)
        with torch.autocast("cpu", dtype=torch.float16):
            pred = net(p_train[idx])
        loss = nn.functional.mse_loss(pred, s_train[idx])
        opt.zero_grad()
        loss.backward()
        opt.step()
        sched.step()
        if step % 100 == 0:
            with torch.no_grad():
                test = nn.functional.mse_loss(net(p_test), s_test).item()
            rel = math.sqrt(test / s_test.var(unbiased=False).item())
            print(f"step {step} train mse {loss.item():.3e} test mse {test:.3e} relative error {rel:.3f}")


if __name__ == "__main__":
    main()
