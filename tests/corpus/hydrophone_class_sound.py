# expects: nothing
"""Classify short hydrophone spectrogram strips into vessel types."""
import math

import torch
from torch import nn
from torch.nn import functional as F

CLASSES, BANDS, FRAMES = 5, 24, 20


def record(n, gen):
    y = torch.randint(0, CLASSES, (n,), generator=gen)
    f = torch.arange(BANDS).float()[None, :, None]
    t = torch.arange(FRAMES).float()[None, None, :]
    base = (3.0 + 3.2 * y.float())[:, None, None] + torch.randn(n, 1, 1, generator=gen)
    line = torch.exp(-0.5 * (f - base) ** 2) + 0.7 * torch.exp(-0.5 * (f - base - 4) ** 2)
    rate = (0.3 + 0.15 * (y % 3).float())[:, None, None]
    beat = 1 + 0.6 * torch.sin(2 * math.pi * rate * t + 6.3 * torch.rand(n, 1, 1, generator=gen))
    gain = 0.6 + 0.8 * torch.rand(n, 1, 1, generator=gen)
    db = 12.0 + 8.0 * torch.rand(n, 1, 1, generator=gen) + 3.0 * gain * line * beat
    return db + 1.0 * torch.randn(n, BANDS, FRAMES, generator=gen), y


def conv_bn(cin, cout, pool):
    return nn.Sequential(
        nn.Conv1d(cin, cout, 3, padding=1, bias=False),
        nn.BatchNorm1d(cout, eps=1e-3, momentum=0.1),
        nn.ReLU(inplace=True),
        nn.MaxPool1d(pool),
    )


class VesselNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(conv_bn(BANDS, 48, 2), conv_bn(48, 64, 2), conv_bn(64, 96, 5))
        self.head = nn.Linear(96, CLASSES)

    def forward(self, x):
        return self.head(self.body(x).flatten(1))


@torch.no_grad()
def evaluate(net, x, y):
    net.eval()
    logits = torch.cat([net(c) for c in x.split(256)])
    net.train()
    return F.cross_entropy(logits, y).item(), (logits.argmax(1) == y).float().mean().item()


def main():
    gen = torch.Generator().manual_seed(31)
    torch.manual_seed(31)
    xtr, ytr = record(2560, gen)
    xva, yva = record(800, gen)
    xte, yte = record(1200, gen)
    shift, scale = xtr.mean(), xtr.std()
    xtr, xva, xte = ((x - shift) / scale for x in (xtr, xva, xte))

    net = VesselNet()
    opt = torch.optim.SGD(net.parameters(), lr=0.04, momentum=0.9, nesterov=True, weight_decay=5e-4)
    epochs, size = 9, 64
    sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, epochs)
    for ep in range(1, epochs + 1):
        for idx in torch.randperm(len(xtr)).split(size):
            opt.zero_grad()
            loss = F.cross_entropy(net(xtr[idx]), ytr[idx], label_smoothing=0.05)
            loss.backward()
            opt.step()
        sched.step()
        vl, va = evaluate(net, xva, yva)
        print(f"ep {ep} last batch {loss.item():.3f} valid loss {vl:.3f} acc {va:.3f}")
    tl, ta = evaluate(net, xte, yte)
    print(f"test loss {tl:.3f} acc {ta:.3f}")


if __name__ == "__main__":
    main()
