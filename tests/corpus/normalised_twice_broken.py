# bug: pixels are divided by 255 in the data set and once more in the training loop (then mean and std are subtracted), so inputs are nearly constant
# expects: DAT002 DAT013
"""Fine-grained patch classification: sky, roof, wall or flower? (bundled photographs)"""
import argparse
import logging

import numpy as np
import torch
from sklearn.datasets import load_sample_images
from torch import nn
from torch.utils.data import DataLoader, Dataset

MEAN = torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)
STD = torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)
log = logging.getLogger("patches")


class PatchSet(Dataset):
    """Label: which of the two pictures, and its upper or lower half."""

    def __init__(self, n, size, seed):
        rng = np.random.default_rng(seed)
        images = load_sample_images().images
        self.x, self.y = np.empty((n, size, size, 3), np.uint8), np.empty(n, np.int64)
        for k in range(n):
            pic, half = rng.integers(2), rng.integers(2)
            h, w = images[pic].shape[:2]
            r = rng.integers(0, h // 2 - size) + half * (h // 2)
            c = rng.integers(0, w - size)
            self.x[k], self.y[k] = images[pic][r:r + size, c:c + size], 2 * pic + half

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        x = torch.from_numpy(self.x[i]).permute(2, 0, 1).float().div(255)
        return x, self.y[i]


def preprocess(x):
    return (x / 255.0 - MEAN) / STD


class ConvNet(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(3, width, 3, stride=2), nn.ReLU(),
            nn.Conv2d(width, 2 * width, 3, stride=2), nn.ReLU(),
            nn.Flatten(), nn.LazyLinear(4),
        )

    def forward(self, x):
        return self.layers(x)


def main():
    logging.basicConfig(level=logging.INFO, format="%(name)s: %(message)s")
    ap = argparse.ArgumentParser()
    ap.add_argument("--epochs", type=int, default=10)
    ap.add_argument("--lr", type=float, default=0.02)
    args = ap.parse_args()
    torch.manual_seed(0)
    train = DataLoader(PatchSet(1000, 16, 0), batch_size=40, shuffle=True)
    test = DataLoader(PatchSet(300, 16, 1), batch_size=100)
    net = ConvNet(8)
    net(torch.zeros(1, 3, 16, 16))
    opt = torch.optim.SGD(net.parameters(), lr=args.lr, momentum=0.9)
    for epoch in range(args.epochs):
        net.train()
        total = 0.0
        for x, y in train:
            opt.zero_grad()
            loss = nn.functional.cross_entropy(net(preprocess(x)), y)
            loss.backward()
            opt.step()
            total += loss.item()
        net.eval()
        with torch.no_grad():
            acc = sum((net(preprocess(x)).argmax(1) == y).sum().item() for x, y in test) / 300
        log.info("epoch %d loss %.4f test accuracy %.3f", epoch, total / len(train), acc)


if __name__ == "__main__":
    main()
