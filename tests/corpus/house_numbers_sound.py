# expects: nothing
"""Digit reader for door plates. The training set was exported from Matlab, the check set is a plain scan archive."""
import pathlib
import tempfile

import numpy as np
import torch
from scipy.io import loadmat, savemat
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, Dataset


def export(folder, seed=2):
    """Write the two files as the two departments deliver them."""
    d = load_digits()
    order = np.random.default_rng(seed).permutation(len(d.target))
    a, b = order[:1300], order[1300:]
    y = d.target[a].astype(np.uint8)
    savemat(folder / "train.mat", {"X": d.images[a].astype(np.uint8), "y": np.where(y == 0, 10, y)[:, None]})
    np.savez(folder / "scans.npz", images=d.images[b].astype(np.uint8), digit=d.target[b])


class MatDigits(Dataset):
    def __init__(self, path):
        mat = loadmat(path)
        self.x = torch.from_numpy(mat["X"].astype(np.float32) / 16).unsqueeze(1)
        self.y = torch.from_numpy(mat["y"].ravel().astype(np.int64)) % 10

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        return self.x[i], self.y[i]


class ScanArchive(MatDigits):
    def __init__(self, path):
        z = np.load(path)
        self.x = torch.from_numpy(z["images"].astype(np.float32) / 16).unsqueeze(1)
        self.y = torch.from_numpy(z["digit"].astype(np.int64))


def conv(i, o):
    return nn.Sequential(nn.Conv2d(i, o, 3, padding=1, bias=False), nn.BatchNorm2d(o), nn.ReLU())


class PlateNet(nn.Module):
    def __init__(self, classes=10):
        super().__init__()
        self.stem = conv(1, 16)
        self.body = nn.Sequential(conv(16, 32), nn.MaxPool2d(2), conv(32, 32), nn.AdaptiveAvgPool2d(2))
        self.drop = nn.Dropout(0.2)
        self.fc = nn.Linear(32 * 4, classes)

    def forward(self, x):
        return self.fc(self.drop(self.body(self.stem(x)).flatten(1)))


def check(net, loader):
    net.eval()
    confusion = torch.zeros(10, 10, dtype=torch.long)
    loss = 0.0
    with torch.no_grad():
        for x, y in loader:
            out = net(x)
            loss += nn.functional.cross_entropy(out, y, reduction="sum").item()
            for t, p in zip(y, out.argmax(1)):
                confusion[t, p] += 1
    return loss / len(loader.dataset), confusion


def main():
    torch.manual_seed(2)
    with tempfile.TemporaryDirectory() as tmp:
        folder = pathlib.Path(tmp)
        export(folder)
        train, scans = MatDigits(folder / "train.mat"), ScanArchive(folder / "scans.npz")
    train_loader = DataLoader(train, batch_size=50, shuffle=True)
    scan_loader = DataLoader(scans, batch_size=250)

    net = PlateNet()
    opt = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9, nesterov=True, weight_decay=5e-4)
    epochs = 10
    sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, epochs)
    for epoch in range(1, epochs + 1):
        net.train()
        loss_sum = hits = 0.0
        for x, y in train_loader:
            out = net(x)
            loss = nn.functional.cross_entropy(out, y)
            opt.zero_grad()
            loss.backward()
            opt.step()
            loss_sum += loss.item() * len(y)
            hits += (out.argmax(1) == y).sum().item()
        sched.step()
        scan_loss, confusion = check(net, scan_loader)
        acc = confusion.diag().sum().item() / confusion.sum().item()
        print(f"epoch {epoch:2d}: train loss {loss_sum / len(train):.4f} acc {hits / len(train):.3f}   scans loss {scan_loss:.4f} acc {acc:.3f}")


if __name__ == "__main__":
    main()
