# expects: NUM001
"""Early classification of machine vibration clips: train on random prefixes, test on several prefix lengths."""
import argparse
import math

import torch
import torch.nn as nn
import torch.nn.functional as F


def synth_clips(n, length, gen):
    """4 machine states that differ in carrier frequency, amplitude modulation and noise colour."""
    y = torch.randint(0, 4, (n,), generator=gen)
    t = torch.arange(length).float()
    base = torch.tensor([0.10, 0.10, 0.16, 0.16])[y]
    mod = torch.tensor([0.0, 0.8, 0.0, 0.8])[y]
    freq = base + 0.015 * torch.randn(n, generator=gen)
    phase = 2 * math.pi * torch.rand(n, 2, generator=gen)
    carrier = torch.sin(2 * math.pi * freq[:, None] * t + phase[:, :1])
    envelope = 1 + mod[:, None] * torch.sin(2 * math.pi * 0.035 * t + phase[:, 1:])
    gain = 0.7 + 0.6 * torch.rand(n, 1, generator=gen)
    x = gain * envelope * carrier + 0.5 * torch.randn(n, length, generator=gen)
    return x[:, None, :], y


class StatsPool(nn.Module):
    """Mean and standard deviation over time, as in x-vector speaker models."""

    def forward(self, h):
        m = h.mean(-1)
        var = (h - m.unsqueeze(-1)).square().mean(-1)
        return torch.cat([m, var.sqrt()], dim=1)


class ClipNet(nn.Module):
    def __init__(self, ch=24, classes=4):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv1d(1, ch, 9, padding=4), nn.SiLU(),
            nn.Conv1d(ch, ch, 7, padding=3), nn.SiLU(),
            nn.Conv1d(ch, ch, 5, padding=2), nn.SiLU(),
        )
        self.pool = StatsPool()
        self.head = nn.Sequential(nn.Linear(2 * ch, 32), nn.SiLU(), nn.Linear(32, classes))

    def forward(self, x):
        return self.head(self.pool(self.body(x)))


@torch.no_grad()
def accuracy(net, x, y, upto):
    net.eval()
    hits = sum((net(xb[..., :upto]).argmax(1) == yb).sum().item() for xb, yb in zip(x.split(200), y.split(200)))
    net.train()
    return hits / len(y)


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--epochs", type=int, default=14)
    ap.add_argument("--batch", type=int, default=64)
    ap.add_argument("--lr", type=float, default=2e-3)
    ap.add_argument("--length", type=int, default=120)
    ap.add_argument("--seed", type=int, default=5)
    args = ap.parse_args()

    torch.manual_seed(args.seed)
    gen = torch.Generator().manual_seed(args.seed + 100)
    xtr, ytr = synth_clips(2400, args.length, gen)
    xva, yva = synth_clips(800, args.length, gen)
    scale = xtr.std()
    xtr, xva = xtr / scale, xva / scale

    net = ClipNet()
    opt = torch.optim.AdamW(net.parameters(), lr=args.lr, weight_decay=1e-3)
    sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, args.epochs)
    for epoch in range(1, args.epochs + 1):
        order = torch.randperm(len(xtr))
        total, batches = 0.0, 0
        for idx in order.split(args.batch):
            upto = int(torch.randint(1, args.length + 1, (1,)))
            loss = F.cross_entropy(net(xtr[idx][..., :upto]), ytr[idx])
            opt.zero_grad(set_to_none=True)
            loss.backward()
            opt.step()
            total, batches = total + loss.item(), batches + 1
        sched.step()
        accs = "  ".join(f"@{u}: {accuracy(net, xva, yva, u):.3f}" for u in (30, 60, args.length))
        print(f"epoch {epoch:2d}  loss {total / batches:.4f}  val acc {accs}")
    print(f"final accuracy on whole clips: {accuracy(net, xva, yva, args.length):.3f}")


if __name__ == "__main__":
    main()
