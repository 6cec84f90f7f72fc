# expects: nothing
"""Walking style from a belt accelerometer (made-up strides). Prints how the time was spent."""
import time

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

STYLES = ["level", "stairs up", "stairs down", "limping"]


def strides(n, rng, length=48):
    y = rng.integers(0, len(STYLES), n)
    t = np.linspace(0, 4 * np.pi, length)
    x = np.empty((n, 3, length), dtype=np.float32)
    tempo = rng.uniform(0.85, 1.15, (n, 1))
    ph = rng.uniform(0, 2 * np.pi, (n, 1))
    second = np.array([0.2, 0.6, 0.2, 0.5])[y][:, None]
    third = np.array([0.1, 0.1, 0.5, 0.4])[y][:, None]
    sway = np.array([0.4, 0.4, 0.4, 0.8])[y][:, None]
    x[:, 0] = np.sin(tempo * t + ph) + second * np.sin(2 * (tempo * t + ph))
    x[:, 1] = third * np.sin(3 * (tempo * t + ph)) + 0.5 * np.cos(tempo * t + ph)
    x[:, 2] = sway * np.sin(0.5 * (tempo * t + ph))
    x += rng.normal(0, 0.45, x.shape)
    return TensorDataset(torch.from_numpy(x), torch.from_numpy(y))


class GaitNet(nn.Module):
    def __init__(self, width=12):
        super().__init__()
        def conv(i, o):
            return nn.Sequential(nn.Conv1d(i, o, 5, padding=2), nn.BatchNorm1d(o), nn.ReLU(), nn.MaxPool1d(2))
        self.features = nn.Sequential(conv(3, width), conv(width, 2 * width), conv(2 * width, 2 * width))
        self.classify = nn.Sequential(nn.Dropout(0.3), nn.Linear(2 * width, len(STYLES)))

    def forward(self, x):
        return self.classify(self.features(x).mean(2))


class Clock:
    def __init__(self):
        self.spent = {}

    def __call__(self, name, fn, *args):
        start = time.perf_counter()
        out = fn(*args)
        self.spent[name] = self.spent.get(name, 0.0) + time.perf_counter() - start
        return out


def train_epoch(net, loader, opt, sched):
    net.train()
    total = 0.0
    for x, y in loader:
        loss = nn.functional.cross_entropy(net(x), y)
        opt.zero_grad()
        loss.backward()
        opt.step()
        sched.step()
        total += loss.item() * len(y)
    return total / len(loader.dataset)


@torch.no_grad()
def validate(net, loader):
    net.eval()
    total, right = 0.0, 0
    for x, y in loader:
        out = net(x)
        total += nn.functional.cross_entropy(out, y, reduction="sum").item()
        right += (out.argmax(1) == y).sum().item()
    return total / len(loader.dataset), right / len(loader.dataset)


def main(epochs=12, batch_size=64, lr=8e-3):
    torch.manual_seed(30)
    rng = np.random.default_rng(30)
    train_loader = DataLoader(strides(4200, rng), batch_size=batch_size, shuffle=True)
    valid_loader = DataLoader(strides(3000, rng), batch_size=batch_size)
    net = GaitNet()
    opt = torch.optim.AdamW(net.parameters(), lr=lr, weight_decay=1e-2)
    sched = torch.optim.lr_scheduler.OneCycleLR(opt, lr, total_steps=epochs * len(train_loader))
    clock = Clock()
    best, best_state = 0.0, None
    for epoch in range(1, epochs + 1):
        loss = clock("train", train_epoch, net, train_loader, opt, sched)
        vloss, acc = clock("validate", validate, net, valid_loader)
        if acc > best:
            best, best_state = acc, {k: v.clone() for k, v in net.state_dict().items()}
        print(f"epoch {epoch:2d}  train {loss:.4f}  valid {vloss:.4f}  acc {acc:.4f}  "
              + "  ".join(f"{k} {v:.1f}s" for k, v in clock.spent.items()))
    net.load_state_dict(best_state)
    print(f"best accuracy {best:.4f}")


if __name__ == "__main__":
    main()
