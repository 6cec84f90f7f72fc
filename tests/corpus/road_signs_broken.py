# bug: Images are brought into channels-first form by view/reshape in place of permute, so channels and pixels are scrambled.
# expects: DAT009
"""Tiny road-sign recogniser.

Renders little 28x28 RGB pictures the way a camera pipeline would hand them over (uint8, height x width x channel),
then trains a small convnet on them.
"""
import argparse

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

CLASSES = ["disc", "ring", "triangle", "square", "diamond", "cross", "bar_h", "bar_v"]
SIZE = 28


def render(kind, rng):
    yy, xx = np.mgrid[0:SIZE, 0:SIZE].astype(np.float32)
    cy, cx = rng.uniform(10, 18, 2)
    r = rng.uniform(5, 9)
    dy, dx = yy - cy, xx - cx
    rad = np.hypot(dy, dx)
    mask = {
        "disc": rad < r,
        "ring": (rad < r) & (rad > r * 0.6),
        "triangle": (dy < r * 0.7) & (dy > -r) & (np.abs(dx) < (dy + r) * 0.6),
        "square": (np.abs(dy) < r * 0.85) & (np.abs(dx) < r * 0.85),
        "diamond": np.abs(dy) + np.abs(dx) < r * 1.15,
        "cross": ((np.abs(dy) < r * 0.3) & (np.abs(dx) < r)) | ((np.abs(dx) < r * 0.3) & (np.abs(dy) < r)),
        "bar_h": (np.abs(dy) < r * 0.35) & (np.abs(dx) < r),
        "bar_v": (np.abs(dx) < r * 0.35) & (np.abs(dy) < r),
    }[kind]
    bg = rng.uniform(40, 200, 3)
    fg = rng.uniform(0, 255, 3)
    while np.abs(fg - bg).max() < 70:
        fg = rng.uniform(0, 255, 3)
    img = bg + (xx[..., None] - 14) * rng.normal(0, 1.5) + (yy[..., None] - 14) * rng.normal(0, 1.5)
    img[mask] = fg
    img += rng.normal(0, 28, img.shape)
    return np.clip(img, 0, 255).astype(np.uint8)


class SignDataset(Dataset):
    def __init__(self, n, seed):
        rng = np.random.default_rng(seed)
        self.labels = rng.integers(0, len(CLASSES), n)
        self.images = np.stack([render(CLASSES[k], rng) for k in self.labels])

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        img = torch.from_numpy(self.images[i]).float() / 255.0
        img = img.reshape(3, SIZE, SIZE)
        return (img - 0.45) / 0.25, int(self.labels[i])


def conv_block(cin, cout):
    return nn.Sequential(
        nn.Conv2d(cin, cout, 3, padding=1, bias=False), nn.BatchNorm2d(cout), nn.ReLU(inplace=True), nn.MaxPool2d(2)
    )


def build_model(width):
    return nn.Sequential(
        conv_block(3, width),
        conv_block(width, 2 * width),
        conv_block(2 * width, 3 * width),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(3 * width, len(CLASSES)),
    )


@torch.no_grad()
def evaluate(model, loader):
    model.eval()
    hits = total = 0
    for x, y in loader:
        hits += (model(x).argmax(1) == y).sum().item()
        total += len(y)
    return hits / total


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--epochs", type=int, default=8)
    p.add_argument("--batch-size", type=int, default=48)
    p.add_argument("--lr", type=float, default=2e-3)
    p.add_argument("--width", type=int, default=16)
    p.add_argument("--seed", type=int, default=3)
    args = p.parse_args()

    torch.manual_seed(args.seed)
    train = DataLoader(SignDataset(2400, 1), batch_size=args.batch_size, shuffle=True, drop_last=True)
    val = DataLoader(SignDataset(600, 2), batch_size=200)
    model = build_model(args.width)
    opt = torch.optim.AdamW(model.parameters(), lr=args.lr, weight_decay=1e-3)
    sched = torch.optim.lr_scheduler.OneCycleLR(opt, max_lr=args.lr * 2, total_steps=args.epochs * len(train))
    loss_fn = nn.CrossEntropyLoss()

    for epoch in range(args.epochs):
        model.train()
        running = 0.0
        for x, y in train:
            opt.zero_grad(set_to_none=True)
            loss = loss_fn(model(x), y)
            loss.backward()
            opt.step()
            sched.step()
            running += loss.item()
        print(f"epoch {epoch + 1}/{args.epochs}  train loss {running / len(train):.3f}  val acc {evaluate(model, val):.3f}")


if __name__ == "__main__":
    main()
