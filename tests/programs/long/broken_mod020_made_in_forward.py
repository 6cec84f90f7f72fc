# expects: MOD020
"""Gesture recognition from 3-axis accelerometer windows with a 1-D CNN."""

import math

import torch
import torch.nn as nn
import torch.nn.functional as F


def synth(n, length, seed):
    g = torch.Generator().manual_seed(seed)
    t = torch.linspace(0, 1, length)
    y = torch.randint(0, 5, (n,), generator=g)
    ph = torch.rand(n, 1, generator=g) * 2 * math.pi
    amp = 0.7 + 0.6 * torch.rand(n, 1, generator=g)
    sp = 0.85 + 0.3 * torch.rand(n, 1, generator=g)
    w = 2 * math.pi * t[None] * sp
    x = torch.zeros(n, 3, length)
    circle = torch.stack([amp * torch.cos(3 * w + ph), amp * torch.sin(3 * w + ph), 0 * w], 1)
    rev = torch.stack([amp * torch.cos(3 * w + ph), -amp * torch.sin(3 * w + ph), 0 * w], 1)
    shake = torch.stack([amp * torch.sin(8 * w + ph), 0 * w, 0.3 * torch.sin(8 * w)], 1)
    push = torch.stack([0 * w, amp * torch.exp(-(((t[None] - 0.5) * 8) ** 2)), 0.4 * torch.cos(w)], 1)
    eight = torch.stack([amp * torch.sin(3 * w + ph), amp * torch.sin(6 * w + 2 * ph), 0 * w], 1)
    for c, s in enumerate((circle, rev, shake, push, eight)):
        x = torch.where((y == c)[:, None, None], s, x)
    return x + 1.0 * torch.randn(x.shape, generator=g), y


class GestureNet(nn.Module):
    def __init__(self, n_classes=5):
        super().__init__()
        self.conv1 = nn.Conv1d(3, 16, 7, padding=3)
        self.bn1 = nn.BatchNorm1d(16)
        self.conv2 = nn.Conv1d(16, 24, 5, padding=2)
        self.bn2 = nn.BatchNorm1d(24)
        self.out = nn.Linear(40, n_classes)

    def forward(self, x):
        x = F.max_pool1d(F.relu(self.bn1(self.conv1(x))), 2)
        x = F.max_pool1d(F.relu(self.bn2(self.conv2(x))), 4)
        x = x.flatten(1)
        x = F.relu(nn.Linear(x.shape[1], 40)(x))
        return self.out(x)


class Fitter:
    def __init__(self, model, lr, batch_size):
        self.model, self.bs = model, batch_size
        self.opt = torch.optim.Adam(model.parameters(), lr=lr)
        self.history = []

    def epoch(self, x, y):
        self.model.train()
        tot = 0.0
        for b in torch.randperm(len(x)).split(self.bs):
            loss = F.cross_entropy(self.model(x[b]), y[b])
            self.opt.zero_grad()
            loss.backward()
            self.opt.step()
            tot += loss.item() * len(b)
        return tot / len(x)

    @torch.no_grad()
    def score(self, x, y):
        self.model.eval()
        return (self.model(x).argmax(1) == y).float().mean().item()

    def fit(self, train, val, epochs):
        for e in range(epochs):
            l = self.epoch(*train)
            a = self.score(*val)
            self.history.append((l, a))
            print(f"epoch={e} train_loss={l:.4f} val_acc={a:.3f}")


if __name__ == "__main__":
    torch.manual_seed(8)
    train, val = synth(1600, 96, 1), synth(400, 96, 2)
    Fitter(GestureNet(), lr=1e-3, batch_size=32).fit(train, val, epochs=10)
