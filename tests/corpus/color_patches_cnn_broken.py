# bug: channels-last images are turned into channels-first with reshape instead of a permute, which scrambles the pixels
# expects: DAT009
import argparse

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F


def make_images(n, seed):
    """Coloured stripes (horizontal or vertical, three colours): 6 classes, stored as H x W x C."""
    rng = np.random.default_rng(seed)
    imgs = rng.normal(0.0, 0.7, (n, 16, 16, 3)).astype(np.float32)
    labels = rng.integers(0, 6, n)
    for i, lab in enumerate(labels):
        colour, vertical = lab % 3, lab >= 3
        pos = rng.integers(2, 12)
        if vertical:
            imgs[i, 2:14, pos:pos + 2, colour] += 0.9
        else:
            imgs[i, pos:pos + 2, 2:14, colour] += 0.9
    return imgs, labels


def as_batch(imgs):
    t = torch.from_numpy(imgs)
    return t.reshape(t.shape[0], 3, 16, 16)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.c1 = nn.Conv2d(3, 16, 5, padding=2)
        self.c2 = nn.Conv2d(16, 24, 3, padding=1)
        self.fc = nn.Linear(24, 6)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.c1(x)), 2)
        x = F.relu(self.c2(x))
        return self.fc(x.amax(dim=(2, 3)))


def main(argv=None):
    ap = argparse.ArgumentParser()
    ap.add_argument("--epochs", type=int, default=8)
    ap.add_argument("--lr", type=float, default=3e-3)
    ap.add_argument("--batch-size", type=int, default=40)
    args = ap.parse_args(argv)
    torch.manual_seed(0)

    xtr, ytr = make_images(1200, 0)
    xte, yte = make_images(400, 1)
    xtr, xte = as_batch(xtr), as_batch(xte)
    ytr, yte = torch.from_numpy(ytr), torch.from_numpy(yte)

    net = Net()
    opt = torch.optim.Adam(net.parameters(), lr=args.lr)
    for ep in range(args.epochs):
        net.train()
        for idx in torch.randperm(len(xtr)).split(args.batch_size):
            loss = F.cross_entropy(net(xtr[idx]), ytr[idx])
            opt.zero_grad()
            loss.backward()
            opt.step()
        net.eval()
        with torch.no_grad():
            out = net(xte)
            print(f"epoch {ep} last loss {loss.item():.3f} test loss {F.cross_entropy(out, yte):.3f} "
                  f"test acc {(out.argmax(1) == yte).float().mean():.3f}")


if __name__ == "__main__":
    main()
