# expects: nothing
"""Surface defect classifier for 28x28 crops of rolled steel plates.

    python plate_defects.py --epochs 12 --lr 0.005
"""
import argparse

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

CLASSES = ["clean", "scratch", "pitting", "stain"]


def render_plate(kind, rng):
    yy, xx = np.mgrid[0:28, 0:28]
    img = 120 + 15 * np.sin(yy / rng.uniform(1.5, 3.0) + rng.uniform(0, 6)) + rng.normal(0, 22, (28, 28))
    if kind == 1:
        ang, off = rng.uniform(0, np.pi), rng.uniform(-7, 7)
        d = np.abs((xx - 14) * np.cos(ang) + (yy - 14) * np.sin(ang) - off)
        img += 45 * (d < rng.uniform(0.7, 1.3))
    elif kind == 2:
        for _ in range(rng.integers(5, 11)):
            cx, cy = rng.uniform(3, 25, 2)
            img -= 70 * (((xx - cx) ** 2 + (yy - cy) ** 2) < rng.uniform(1.0, 3.5))
    elif kind == 3:
        cx, cy = rng.uniform(8, 20, 2)
        s = rng.uniform(3.5, 6.0)
        img -= 60 * np.exp(-((xx - cx) ** 2 + (yy - cy) ** 2) / (2 * s * s))
    return np.clip(img, 0, 255).astype(np.uint8)


def make_plates(n, seed):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, len(CLASSES), n)
    return np.stack([render_plate(k, rng) for k in labels]), labels


class PlateCrops(Dataset):
    """Grey crops as 1xHxW float tensors in [0, 1]."""

    def __init__(self, images, labels):
        self.images, self.labels = images, labels

    def __len__(self):
        return len(self.images)

    def __getitem__(self, i):
        img = torch.from_numpy(self.images[i]).unsqueeze(0).float() / 255.0
        return img, int(self.labels[i])


class Preprocess:
    def __init__(self, train_images):
        scaled = train_images.astype(np.float32) / 255.0
        self.mean = float(scaled.mean())
        self.std = float(scaled.std())

    def __call__(self, batch):
        return (batch - self.mean) / self.std


def build_net():
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(32, 32, 3, padding=1), nn.ReLU(), nn.AdaptiveMaxPool2d(2),
        nn.Flatten(), nn.Linear(128, 48), nn.ReLU(), nn.Linear(48, len(CLASSES)),
    )


def run_epoch(net, loader, prep, loss_fn, opt=None):
    net.train(opt is not None)
    total, hits, n = 0.0, 0, 0
    with torch.set_grad_enabled(opt is not None):
        for imgs, labels in loader:
            logits = net(prep(imgs))
            loss = loss_fn(logits, labels)
            if opt is not None:
                opt.zero_grad()
                loss.backward()
                opt.step()
            total += loss.item() * len(labels)
            hits += (logits.argmax(1) == labels).sum().item()
            n += len(labels)
    return total / n, hits / n


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--epochs", type=int, default=12)
    ap.add_argument("--batch-size", type=int, default=32)
    ap.add_argument("--lr", type=float, default=0.005)
    ap.add_argument("--momentum", type=float, default=0.9)
    ap.add_argument("--seed", type=int, default=3)
    args = ap.parse_args()

    torch.manual_seed(args.seed)
    train_x, train_y = make_plates(2000, args.seed)
    val_x, val_y = make_plates(600, args.seed + 1000)
    prep = Preprocess(train_x)
    train_dl = DataLoader(PlateCrops(train_x, train_y), batch_size=args.batch_size, shuffle=True)
    val_dl = DataLoader(PlateCrops(val_x, val_y), batch_size=200)

    net = build_net()
    opt = torch.optim.SGD(net.parameters(), lr=args.lr, momentum=args.momentum, weight_decay=1e-4)
    sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, T_max=args.epochs)
    loss_fn = nn.CrossEntropyLoss()
    for ep in range(args.epochs):
        tl, ta = run_epoch(net, train_dl, prep, loss_fn, opt)
        vl, va = run_epoch(net, val_dl, prep, loss_fn)
        sched.step()
        print(f"[{ep + 1:02d}/{args.epochs}] train loss {tl:.4f} acc {ta:.3f} | val loss {vl:.4f} acc {va:.3f}")


if __name__ == "__main__":
    main()
