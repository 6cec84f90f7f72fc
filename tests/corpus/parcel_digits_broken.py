# bug: thaw_next filters by requires_grad before it unfreezes the block, so add_param_group gets an empty list
# expects: OPT017
"""Adapt a digit reader trained on letter scans to dark, rotated parcel labels, unfreezing block by block."""
import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn


class Reader(nn.Module):
    def __init__(self, n_out):
        super().__init__()
        self.blocks = nn.ModuleList([
            nn.Sequential(nn.Conv2d(1, 16, 3, padding=1), nn.ReLU()),
            nn.Sequential(nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
            nn.Sequential(nn.Flatten(), nn.Linear(32 * 16, 64), nn.ReLU()),
        ])
        self.head = nn.Linear(64, n_out)

    def forward(self, x):
        for block in self.blocks:
            x = block(x)
        return self.head(x)


class FineTuner:
    def __init__(self, net, lr=3e-3, decay=0.5):
        self.net, self.lr, self.decay = net, lr, decay
        self.loss = nn.CrossEntropyLoss()
        for p in net.blocks.parameters():
            p.requires_grad = False
        self.frozen = list(net.blocks)
        self.opt = torch.optim.Adam(net.head.parameters(), lr=lr)

    def thaw_next(self):
        block = self.frozen.pop()
        self.lr *= self.decay
        params = [p for p in block.parameters() if p.requires_grad]
        self.opt.add_param_group({"params": params, "lr": self.lr})
        block.requires_grad_(True)

    def epoch(self, x, y, batch=32):
        self.net.train()
        total = 0.0
        for idx in torch.randperm(len(x)).split(batch):
            loss = self.loss(self.net(x[idx]), y[idx])
            self.opt.zero_grad()
            loss.backward()
            self.opt.step()
            total += loss.item() * len(idx)
        return total / len(x)

    @torch.no_grad()
    def accuracy(self, x, y):
        self.net.eval()
        return (self.net(x).argmax(1) == y).float().mean().item()


def pretrain(x, y, epochs=12):
    net = Reader(5)
    opt = torch.optim.Adam(net.parameters(), lr=1e-3)
    for epoch in range(epochs):
        total = 0.0
        for idx in torch.randperm(len(x)).split(64):
            loss = nn.functional.cross_entropy(net(x[idx]), y[idx])
            opt.zero_grad()
            loss.backward()
            opt.step()
            total += loss.item() * len(idx)
        if epoch % 4 == 3:
            print(f"pretrain epoch {epoch + 1} loss {total / len(x):.4f}")
    return net


def main():
    torch.manual_seed(8)
    rng = np.random.default_rng(8)
    data = load_digits()
    x_src, x_new, y_src, y_new = train_test_split(
        data.images / 16.0, data.target, test_size=1200, stratify=data.target, random_state=8)
    keep = y_src < 5
    source = torch.tensor(x_src[keep], dtype=torch.float32)[:, None], torch.tensor(y_src[keep])

    dark = 0.75 - 0.5 * np.rot90(x_new, k=1, axes=(1, 2)) + 0.07 * rng.normal(size=x_new.shape)
    x_tr, x_te, y_tr, y_te = train_test_split(dark, y_new, test_size=500, stratify=y_new, random_state=9)
    x_tr, x_te = (torch.tensor(a, dtype=torch.float32)[:, None] for a in (x_tr, x_te))
    y_tr, y_te = torch.tensor(y_tr), torch.tensor(y_te)

    net = pretrain(*source)
    net.head = nn.Linear(64, 10)
    tuner = FineTuner(net)
    for epoch in range(1, 49):
        if epoch in (8, 14, 20):
            tuner.thaw_next()
        loss = tuner.epoch(x_tr, y_tr)
        if epoch % 4 == 0:
            print(f"epoch {epoch:2d}  loss {loss:.4f}  train acc {tuner.accuracy(x_tr, y_tr):.3f}")
    print(f"parcel test accuracy {tuner.accuracy(x_te, y_te):.4f}")


if __name__ == "__main__":
    main()
