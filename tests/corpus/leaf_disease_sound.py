# expects: nothing
import argparse

import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, Dataset


def draw_leaves(n, size, rng):
    """RGB uint8 photos (H, W, C) of leaves: healthy, rust, mildew, blight."""
    yy, xx = np.mgrid[0:size, 0:size] / size - 0.5
    images = np.empty((n, size, size, 3), dtype=np.uint8)
    labels = rng.integers(0, 4, n)
    for i, lab in enumerate(labels):
        img = np.full((size, size, 3), rng.uniform(90, 170, 3))
        a, b = rng.uniform(0.3, 0.45, 2)
        leaf = (xx / a) ** 2 + (yy / b) ** 2 < 1
        img[leaf] = np.array([60, 130, 50]) + rng.normal(0, 12, 3)
        spots = rng.integers(2, 5) if lab else 0
        for _ in range(spots):
            cx, cy = rng.uniform(-0.2, 0.2, 2)
            r = rng.uniform(0.06, 0.11)
            blob = ((xx - cx) ** 2 + (yy - cy) ** 2 < r ** 2) & leaf
            colour = {1: (150, 85, 40), 2: (190, 195, 185), 3: (70, 60, 40)}[int(lab)]
            img[blob] = 0.85 * np.array(colour) + 0.15 * img[blob]
        img = img * rng.uniform(0.75, 1.2) + rng.normal(0, 12, img.shape)
        images[i] = np.clip(img, 0, 255).astype(np.uint8)
    return images, labels


class LeafPhotos(Dataset):
    def __init__(self, images, labels, train, rng=None):
        self.images, self.labels, self.train, self.rng = images, labels, train, rng

    def __len__(self):
        return len(self.images)

    def augment(self, img):
        if self.rng.random() < 0.5:
            img = img[:, ::-1]
        if self.rng.random() < 0.5:
            img = img[::-1]
        gain = self.rng.uniform(0.85, 1.15)
        return np.clip(img.astype(np.float32) * gain, 0, 255).astype(np.uint8)

    def to_chw(self, img):
        if img.dtype == np.uint8:
            img = img.astype(np.float32) / 255
        return torch.from_numpy(np.ascontiguousarray(img.transpose(2, 0, 1))).sub(0.45).div(0.25)

    def __getitem__(self, i):
        img = self.images[i]
        if self.train:
            img = self.augment(img)
        return self.to_chw(img), int(self.labels[i])


def block(cin, cout):
    return nn.Sequential(nn.Conv2d(cin, cout, 3, padding=1), nn.BatchNorm2d(cout), nn.SiLU(), nn.MaxPool2d(2))


def evaluate(net, loader, loss_fn):
    net.eval()
    loss = correct = n = 0
    with torch.no_grad():
        for x, y in loader:
            out = net(x)
            loss += loss_fn(out, y).item() * len(y)
            correct += (out.argmax(1) == y).sum().item()
            n += len(y)
    return loss / n, correct / n


if __name__ == "__main__":
    ap = argparse.ArgumentParser()
    ap.add_argument("--epochs", type=int, default=12)
    ap.add_argument("--lr", type=float, default=0.05)
    ap.add_argument("--batch", type=int, default=50)
    ap.add_argument("--seed", type=int, default=0)
    args = ap.parse_args()
    torch.manual_seed(args.seed)
    rng = np.random.default_rng(args.seed)

    x_train, y_train = draw_leaves(1500, 28, rng)
    x_test, y_test = draw_leaves(800, 28, rng)
    train_dl = DataLoader(LeafPhotos(x_train, y_train, True, rng), args.batch, shuffle=True)
    test_dl = DataLoader(LeafPhotos(x_test, y_test, False), 200)

    net = nn.Sequential(block(3, 16), block(16, 24), block(24, 32), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 4))
    loss_fn = nn.CrossEntropyLoss()
    opt = torch.optim.SGD(net.parameters(), lr=args.lr, momentum=0.9, nesterov=True, weight_decay=5e-4)
    sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, args.epochs)
    for epoch in range(1, args.epochs + 1):
        net.train()
        seen = 0.0
        for x, y in train_dl:
            opt.zero_grad()
            loss = loss_fn(net(x), y)
            loss.backward()
            opt.step()
            seen += loss.item() * len(y)
        sched.step()
        tl, ta = evaluate(net, test_dl, loss_fn)
        print(f"[{epoch:02d}/{args.epochs}] train {seen / len(x_train):.4f} | test {tl:.4f} acc {ta:.3f}")
