# bug: Validation runs without no_grad and keeps/builds graphs.
# expects: MEM002
"""Segment cells in noisy synthetic microscopy pictures with a very small U-Net."""
import resource
import time

import torch
import torch.nn as nn
import torch.nn.functional as F


class DoubleConv(nn.Module):
    def __init__(self, i, o):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(i, o, 3, padding=1), nn.GroupNorm(4, o), nn.ReLU(),
            nn.Conv2d(o, o, 3, padding=1), nn.GroupNorm(4, o), nn.ReLU(),
        )

    def forward(self, x):
        return self.body(x)


class TinyUNet(nn.Module):
    def __init__(self, w=8):
        super().__init__()
        self.e1, self.e2, self.mid = DoubleConv(1, w), DoubleConv(w, 2 * w), DoubleConv(2 * w, 4 * w)
        self.u2 = nn.ConvTranspose2d(4 * w, 2 * w, 2, 2)
        self.d2 = DoubleConv(4 * w, 2 * w)
        self.u1 = nn.ConvTranspose2d(2 * w, w, 2, 2)
        self.d1 = DoubleConv(2 * w, w)
        self.head = nn.Conv2d(w, 1, 1)

    def forward(self, x):
        a = self.e1(x)
        b = self.e2(F.max_pool2d(a, 2))
        c = self.mid(F.max_pool2d(b, 2))
        b = self.d2(torch.cat([self.u2(c), b], 1))
        a = self.d1(torch.cat([self.u1(b), a], 1))
        return self.head(a)


def make_cells(n, size=32, seed=0):
    g = torch.Generator().manual_seed(seed)
    ax = torch.arange(size).float()
    yy, xx = torch.meshgrid(ax, ax, indexing="ij")
    mask = torch.zeros(n, size, size)
    for _ in range(4):
        cy, cx = torch.rand(2, n, 1, 1, generator=g) * size
        ry, rx = 2.5 + 4 * torch.rand(2, n, 1, 1, generator=g)
        inside = ((yy - cy) / ry) ** 2 + ((xx - cx) / rx) ** 2 < 1
        mask = torch.maximum(mask, inside.float())
    tilt = torch.randn(2, n, 1, 1, generator=g) * 0.03
    img = 0.9 * mask + tilt[0] * (yy - size / 2) + tilt[1] * (xx - size / 2)
    img = img + 0.5 * torch.randn(n, size, size, generator=g)
    return img.unsqueeze(1), mask.unsqueeze(1)


def dice(logits, target):
    p = (logits > 0).float()
    return (2 * (p * target).sum() + 1) / (p.sum() + target.sum() + 1)


def bce_dice(logits, target):
    p = logits.sigmoid()
    soft = 1 - (2 * (p * target).sum((1, 2, 3)) + 1) / (p.sum((1, 2, 3)) + target.sum((1, 2, 3)) + 1)
    return F.binary_cross_entropy_with_logits(logits, target) + soft.mean()


class SegmentationRun:
    def __init__(self):
        torch.manual_seed(17)
        self.train = make_cells(480, seed=1)
        self.val = make_cells(320, seed=2)
        self.net = TinyUNet()
        self.opt = torch.optim.Adam(self.net.parameters(), lr=3e-3)
        self.batch = 16

    def chunks(self, data, shuffle):
        n = len(data[0])
        idx = torch.randperm(n) if shuffle else torch.arange(n)
        return [(data[0][i], data[1][i]) for i in idx.split(self.batch)]

    def train_epoch(self):
        self.net.train()
        total = 0.0
        for x, m in self.chunks(self.train, True):
            loss = bce_dice(self.net(x), m)
            self.opt.zero_grad()
            loss.backward()
            self.opt.step()
            total += loss.item()
        return total / (len(self.train[0]) / self.batch)

    def validate(self):
        self.net.eval()
        val_loss, scores = 0, []
        for x, m in self.chunks(self.val, False):
            logits = self.net(x)
            val_loss += bce_dice(logits, m)
            scores.append(dice(logits, m))
        return val_loss / len(scores), torch.stack(scores).mean()

    def go(self, epochs=8):
        history = []
        for ep in range(epochs):
            tl = self.train_epoch()
            t0 = time.time()
            vl, d = self.validate()
            took = time.time() - t0
            history.append((vl, d))
            mem = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            print(f"epoch {ep + 1}: train {tl:.3f}  val {vl:.3f}  dice {d:.3f}  | val took {took:.2f}s, peak memory {mem:.0f} MB")
        best = max(h[1] for h in history)
        print(f"best dice {best:.3f}")


if __name__ == "__main__":
    SegmentationRun().go()
