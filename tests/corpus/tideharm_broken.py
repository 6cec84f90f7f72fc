# bug: the warm-up sets the rate back in each epoch
# expects: OPT032
"""Surrogate for a harbour tide model: six forcing parameters -> water level and current."""
import argparse

import torch
from torch import nn


def get_args():
    ap = argparse.ArgumentParser()
    ap.add_argument("--lr", type=float, default=0.2)
    ap.add_argument("--momentum", type=float, default=0.9)
    ap.add_argument("--batch-size", type=int, default=16)
    ap.add_argument("--epochs", type=int, default=40)
    ap.add_argument("--warmup", type=int, default=3)
    ap.add_argument("--gamma", type=float, default=0.86)
    ap.add_argument("--seed", type=int, default=1)
    return ap.parse_args()


def harbour(n, gen):
    u = torch.rand(n, 6, generator=gen)
    level = torch.sin(3.0 * u[:, 0] + 2 * u[:, 1]) + 1.5 * (u[:, 2] - 0.5) * u[:, 3] + 0.6 * u[:, 4]
    current = torch.cos(4.0 * u[:, 1]) * u[:, 5] + 0.8 * (u[:, 0] - u[:, 4]).pow(2)
    y = torch.stack([level, current], 1)
    return u, y + 0.01 * torch.randn(y.shape, generator=gen)


class Surrogate(nn.Module):
    def __init__(self, width=48):
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(6, width), nn.Tanh(),
            nn.Linear(width, width), nn.Tanh(),
            nn.Linear(width, 2),
        )

    def forward(self, u):
        return self.net(2 * u - 1)


def warm_up(opt, epoch, args):
    factor = min(1.0, (epoch + 1) / args.warmup)
    for group in opt.param_groups:
        group["lr"] = args.lr * factor


def run_epoch(model, opt, u, y, args):
    model.train()
    total = 0.0
    for idx in torch.randperm(len(u)).split(args.batch_size):
        loss = nn.functional.mse_loss(model(u[idx]), y[idx])
        opt.zero_grad()
        loss.backward()
        opt.step()
        total += loss.item() * len(idx)
    return total / len(u)


@torch.no_grad()
def rmse(model, u, y):
    model.eval()
    return (model(u) - y).pow(2).mean().sqrt().item()


def main():
    args = get_args()
    torch.manual_seed(args.seed)
    gen = torch.Generator().manual_seed(args.seed)
    u, y = harbour(2400, gen)
    (ut, uv), (yt, yv) = u.split([2000, 400]), y.split([2000, 400])
    mean, std = yt.mean(0), yt.std(0)
    yt, yv = (yt - mean) / std, (yv - mean) / std

    model = Surrogate()
    opt = torch.optim.SGD(model.parameters(), lr=args.lr, momentum=args.momentum)
    decay = torch.optim.lr_scheduler.ExponentialLR(opt, gamma=args.gamma)

    for epoch in range(args.epochs):
        warm_up(opt, epoch, args)
        loss = run_epoch(model, opt, ut, yt, args)
        if epoch + 1 >= args.warmup:
            decay.step()
        if (epoch + 1) % 4 == 0:
            print(f"epoch {epoch + 1:3d}  train mse {loss:.5f}  val rmse {rmse(model, uv, yv):.4f}")


if __name__ == "__main__":
    main()
