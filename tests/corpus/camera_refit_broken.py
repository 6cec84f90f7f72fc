# bug: the adapt stage trains every layer on camera B alone, with no camera A images kept in, so reading camera A is forgotten
# expects: TRN013
"""Meter-digit reader: base training on camera A, then adapted to camera B while A stays in service."""
import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def camera_b(img):
    """Mounted sideways, inverted sensor."""
    return (1.0 - img).transpose(-1, -2).flip(-1)


def load(seed):
    d = load_digits()
    x = torch.tensor(d.images / 16.0, dtype=torch.float32).unsqueeze(1)
    y = torch.tensor(d.target)
    tr, te = train_test_split(np.arange(len(y)), test_size=0.35, stratify=d.target, random_state=seed)
    a = TensorDataset(x[tr], y[tr])
    half = tr[: len(tr) // 3]
    b = TensorDataset(camera_b(x[half]), y[half])
    tests = {"A": (x[te], y[te]), "B": (camera_b(x[te]), y[te])}
    return a, b, tests


def reader_net():
    return nn.Sequential(
        nn.Conv2d(1, 24, 3, padding=1), nn.ReLU(),
        nn.Conv2d(24, 48, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(48, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(256, 96), nn.ReLU(), nn.Linear(96, 10),
    )


def score(net, xy):
    x, y = xy
    net.eval()
    with torch.no_grad():
        acc = (net(x).argmax(1) == y).float().mean().item()
    net.train()
    return acc


class Stage:
    def __init__(self, name, net, data, lr, epochs, seed):
        self.name, self.net, self.epochs = name, net, epochs
        g = torch.Generator().manual_seed(seed)
        self.loader = DataLoader(data, batch_size=32, shuffle=True, generator=g)
        self.opt = torch.optim.SGD(net.parameters(), lr=lr, momentum=0.9, weight_decay=1e-4)
        self.crit = nn.CrossEntropyLoss()

    def run(self):
        for ep in range(self.epochs):
            tot, n = 0.0, 0
            for x, y in self.loader:
                self.opt.zero_grad()
                loss = self.crit(self.net(x), y)
                loss.backward()
                self.opt.step()
                tot += loss.item() * len(y)
                n += len(y)
            if (ep + 1) % 5 == 0:
                print(f"{self.name} epoch {ep + 1}: loss {tot / n:.4f}")
        return self


def main(seed=17):
    torch.manual_seed(seed)
    cam_a, cam_b, tests = load(seed)
    net = reader_net()

    Stage("base", net, cam_a, lr=0.03, epochs=25, seed=seed).run()
    print(f"after base  A {score(net, tests['A']):.3f}")

    Stage("adapt", net, cam_b, lr=0.02, epochs=40, seed=seed + 1).run()

    a, b = score(net, tests["A"]), score(net, tests["B"])
    print(f"after adapt  A {a:.3f}  B {b:.3f}  mean {(a + b) / 2:.3f}")


if __name__ == "__main__":
    main()
