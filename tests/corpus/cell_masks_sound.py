# expects: nothing
"""Segment bright cells on a noisy slide. Annotations come as run lengths in column order, as the labelling tool writes them."""
import argparse

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F


def parse():
    p = argparse.ArgumentParser()
    p.add_argument("--size", type=int, default=32)
    p.add_argument("--n-train", type=int, default=500)
    p.add_argument("--n-test", type=int, default=200)
    p.add_argument("--steps", type=int, default=400)
    p.add_argument("--batch", type=int, default=20)
    p.add_argument("--lr", type=float, default=3e-3)
    p.add_argument("--seed", type=int, default=5)
    return p.parse_args()


def to_runs(mask):
    """Run lengths down the columns, starting with background."""
    flat = mask.T.reshape(-1)
    change = np.flatnonzero(np.diff(flat)) + 1
    edges = np.concatenate([[0], change, [flat.size]])
    runs = np.diff(edges).tolist()
    return runs if flat[0] == 0 else [0] + runs


def from_runs(runs, height, width):
    flat = np.zeros(height * width, dtype=np.float32)
    pos, value = 0, 0
    for r in runs:
        flat[pos:pos + r] = value
        pos += r
        value = 1 - value
    return flat.reshape(width, height).T


def draw(rng, size):
    yy, xx = np.mgrid[:size, :size]
    img = rng.normal(0, 0.35, (size, size)) + 0.3 * np.sin(xx / rng.uniform(4, 9) + rng.uniform(0, 6))
    mask = np.zeros((size, size), dtype=np.int64)
    for _ in range(rng.integers(2, 5)):
        cy, cx = rng.uniform(4, size - 4, 2)
        ry, rx = rng.uniform(2.5, 6, 2)
        inside = ((yy - cy) / ry) ** 2 + ((xx - cx) / rx) ** 2 < 1
        mask[inside] = 1
        img[inside] += rng.uniform(0.6, 1.0)
    return img.astype(np.float32), to_runs(mask)


def load(n, size, rng):
    images, annotations = zip(*(draw(rng, size) for _ in range(n)))
    masks = np.stack([from_runs(a, size, size) for a in annotations])
    return torch.from_numpy(np.stack(images))[:, None], torch.from_numpy(masks)[:, None]


class Block(nn.Module):
    def __init__(self, cin, cout):
        super().__init__()
        self.conv1 = nn.Conv2d(cin, cout, 3, padding=1)
        self.conv2 = nn.Conv2d(cout, cout, 3, padding=1)
        self.bn1, self.bn2 = nn.BatchNorm2d(cout), nn.BatchNorm2d(cout)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(x)))


class TinyUNet(nn.Module):
    def __init__(self, w=8):
        super().__init__()
        self.d1, self.d2, self.mid = Block(1, w), Block(w, 2 * w), Block(2 * w, 2 * w)
        self.u2, self.u1 = Block(4 * w, w), Block(2 * w, w)
        self.out = nn.Conv2d(w, 1, 1)

    def forward(self, x):
        a = self.d1(x)
        b = self.d2(F.max_pool2d(a, 2))
        m = self.mid(F.max_pool2d(b, 2))
        y = self.u2(torch.cat([F.interpolate(m, scale_factor=2), b], 1))
        y = self.u1(torch.cat([F.interpolate(y, scale_factor=2), a], 1))
        return self.out(y)


def soft_dice(logits, target):
    p = logits.sigmoid()
    inter = (p * target).sum((1, 2, 3))
    return 1 - ((2 * inter + 1) / (p.sum((1, 2, 3)) + target.sum((1, 2, 3)) + 1)).mean()


@torch.no_grad()
def mean_iou(net, x, y):
    net.eval()
    pred = torch.cat([net(c) for c in x.split(50)]) > 0
    net.train()
    y = y > 0.5
    inter = (pred & y).sum((1, 2, 3)).float()
    return (inter / (pred | y).sum((1, 2, 3)).clamp(min=1)).mean().item()


def main():
    a = parse()
    torch.manual_seed(a.seed)
    rng = np.random.default_rng(a.seed)
    xtr, ytr = load(a.n_train, a.size, rng)
    xte, yte = load(a.n_test, a.size, rng)
    mu, sd = xtr.mean(), xtr.std()
    xtr, xte = (xtr - mu) / sd, (xte - mu) / sd

    net = TinyUNet()
    opt = torch.optim.Adam(net.parameters(), lr=a.lr)
    sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, a.steps)
    order = torch.randperm(len(xtr))
    cursor = 0
    for step in range(1, a.steps + 1):
        if cursor + a.batch > len(order):
            order, cursor = torch.randperm(len(xtr)), 0
        idx = order[cursor:cursor + a.batch]
        cursor += a.batch
        logits = net(xtr[idx])
        loss = F.binary_cross_entropy_with_logits(logits, ytr[idx]) + soft_dice(logits, ytr[idx])
        opt.zero_grad(set_to_none=True)
        loss.backward()
        opt.step()
        sched.step()
        if step % 50 == 0:
            print(f"step {step} loss {loss.item():.4f} test IoU {mean_iou(net, xte, yte):.3f}")
    print("final test IoU", round(mean_iou(net, xte, yte), 4))


if __name__ == "__main__":
    main()
