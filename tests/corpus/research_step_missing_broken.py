# bug: optimizer.step is never called; only the scheduler is stepped
# expects: OPT006
"""Classify noisy 1-D signals (sine, square, saw-tooth, noise) with a small conv net."""
import argparse
import math

import torch
import torch.nn as nn
import torch.nn.functional as F


def synth(n, length, gen):
    t = torch.linspace(0, 1, length)
    y = torch.randint(0, 4, (n,), generator=gen)
    freq = 2 + 4 * torch.rand(n, 1, generator=gen)
    phase = torch.rand(n, 1, generator=gen)
    arg = freq * t + phase
    sine = torch.sin(2 * math.pi * arg)
    shapes = torch.stack([sine, sine.sign(), 2 * (arg % 1) - 1, torch.randn(n, length, generator=gen)], 1)
    x = shapes[torch.arange(n), y] + 0.3 * torch.randn(n, length, generator=gen)
    return x.unsqueeze(1), y


class ConvBlock(nn.Module):
    def __init__(self, cin, cout):
        super().__init__()
        self.conv = nn.Conv1d(cin, cout, 5, stride=2, padding=2, bias=False)
        self.norm = nn.BatchNorm1d(cout)

    def forward(self, x):
        return F.relu(self.norm(self.conv(x)))


class SignalNet(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.features = nn.Sequential(ConvBlock(1, width), ConvBlock(width, 2 * width), ConvBlock(2 * width, 2 * width))
        self.classifier = nn.Linear(2 * width, 4)

    def forward(self, x):
        return self.classifier(self.features(x).mean(-1))


def run_epoch(model, x, y, bs, optimizer=None, scheduler=None):
    training = optimizer is not None
    model.train(training)
    losses, hits = 0.0, 0
    order = torch.randperm(len(x)) if training else torch.arange(len(x))
    with torch.set_grad_enabled(training):
        for idx in order.split(bs):
            logits = model(x[idx])
            loss = F.cross_entropy(logits, y[idx])
            if training:
                optimizer.zero_grad()
                loss.backward()
                scheduler.step()
            losses += loss.item() * len(idx)
            hits += (logits.argmax(1) == y[idx]).sum().item()
    return losses / len(x), hits / len(x)


if __name__ == "__main__":
    p = argparse.ArgumentParser()
    p.add_argument("--epochs", type=int, default=10)
    p.add_argument("--lr", type=float, default=3e-3)
    p.add_argument("--width", type=int, default=8)
    p.add_argument("--seed", type=int, default=0)
    a = p.parse_args()
    torch.manual_seed(a.seed)
    g = torch.Generator().manual_seed(a.seed)
    train, valid = synth(1000, 64, g), synth(300, 64, g)
    net = SignalNet(a.width)
    opt = torch.optim.AdamW(net.parameters(), lr=a.lr)
    sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, a.epochs * math.ceil(1000 / 50))
    for ep in range(a.epochs):
        tl, ta = run_epoch(net, *train, 50, opt, sched)
        vl, va = run_epoch(net, *valid, 100)
        print(f"[{ep:02d}] train loss {tl:.4f} acc {ta:.3f} | valid loss {vl:.4f} acc {va:.3f}")
