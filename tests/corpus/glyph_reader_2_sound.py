# expects: nothing
import argparse

import torch
from torch import nn
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split


class WeightAverager:
    """Shadow copy of the trainable weights, swapped in for validation."""

    def __init__(self, net, decay):
        self.decay = decay
        self.shadow = {n: p.detach().clone() for n, p in net.named_parameters() if p.requires_grad}
        self.backup = {}
        self.updates = 0

    @torch.no_grad()
    def update(self, net):
        self.updates += 1
        d = min(self.decay, (1 + self.updates) / (10 + self.updates))
        for n, p in net.named_parameters():
            if n in self.shadow:
                self.shadow[n].mul_(d).add_(p, alpha=1 - d)

    @torch.no_grad()
    def apply(self, net):
        for n, p in net.named_parameters():
            if n in self.shadow:
                self.backup[n] = p.detach().clone()
                p.copy_(self.shadow[n])

    @torch.no_grad()
    def restore(self, net):
        for n, p in net.named_parameters():
            if n in self.backup:
                p.copy_(self.backup[n])
        self.backup = {}


def build(width):
    return nn.Sequential(
        nn.Unflatten(1, (1, 8, 8)),
        nn.Conv2d(1, width, 3, padding=1), nn.GroupNorm(4, width), nn.SiLU(),
        nn.Conv2d(width, width, 3, stride=2, padding=1), nn.GroupNorm(4, width), nn.SiLU(),
        nn.Conv2d(width, width, 3, stride=2, padding=1), nn.GroupNorm(4, width), nn.SiLU(),
        nn.Flatten(), nn.Linear(width * 4, 10),
    )


@torch.no_grad()
def evaluate(net, x, y):
    net.eval()
    out = net(x)
    net.train()
    return nn.functional.cross_entropy(out, y).item(), (out.argmax(1) == y).float().mean().item()


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--steps", type=int, default=1600)
    ap.add_argument("--batch", type=int, default=32)
    ap.add_argument("--lr", type=float, default=0.02)
    ap.add_argument("--width", type=int, default=24)
    ap.add_argument("--decay", type=float, default=0.995)
    ap.add_argument("--eval-every", type=int, default=20)
    ap.add_argument("--seed", type=int, default=5)
    args = ap.parse_args()
    torch.manual_seed(args.seed)

    x, y = load_digits(return_X_y=True)
    xtr, xte, ytr, yte = train_test_split(x, y, test_size=0.35, stratify=y, random_state=args.seed)
    mu, sd = xtr.mean(), xtr.std()
    xtr, xte = (torch.tensor((a - mu) / sd, dtype=torch.float32) for a in (xtr, xte))
    ytr, yte = torch.tensor(ytr), torch.tensor(yte)

    net = build(args.width)
    opt = torch.optim.SGD(net.parameters(), lr=args.lr, weight_decay=1e-4)
    ema = WeightAverager(net, args.decay)

    step, total = 0, 0.0
    while step < args.steps:
        for idx in torch.randperm(len(xtr)).split(args.batch):
            loss = nn.functional.cross_entropy(net(xtr[idx]), ytr[idx])
            opt.zero_grad()
            loss.backward()
            opt.step()
            ema.update(net)
            total += loss.item()
            step += 1
            if step % args.eval_every == 0:
                ema.apply(net)
                vl, va = evaluate(net, xte, yte)
                ema.restore(net)
                if step % 200 == 0:
                    print(f"step {step:5d} train {total / args.eval_every:.4f}  averaged: loss {vl:.4f} acc {va:.4f}")
                total = 0.0
            if step == args.steps:
                break

    ema.apply(net)
    vl, va = evaluate(net, xte, yte)
    print(f"FINAL averaged weights: test loss {vl:.4f} acc {va:.4f}")


if __name__ == "__main__":
    main()
