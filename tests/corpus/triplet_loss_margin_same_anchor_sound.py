import random
from collections import defaultdict

import numpy as np
import torch
import torch.nn as nn
from sklearn.datasets import load_digits

EMBED = 16


def split_classes(seed):
    d = load_digits()
    rng = np.random.RandomState(seed)
    # the scanner adds 64 columns that have nothing to do with the digit
    x = np.hstack([(d.data / 16.0 - 0.3) / 0.38, rng.randn(len(d.data), 64)]).astype(np.float32)
    perm = rng.permutation(len(x))
    x, y = x[perm], d.target[perm]
    return x[:1200], y[:1200], x[1200:], y[1200:]


class TripletSampler:
    def __init__(self, labels, seed):
        self.rng = random.Random(seed)
        self.by_class = defaultdict(list)
        for i, c in enumerate(labels):
            self.by_class[int(c)].append(i)
        self.classes = sorted(self.by_class)

    def draw(self, n):
        anchors, positives, negatives = [], [], []
        for _ in range(n):
            ca, cn = self.rng.sample(self.classes, 2)
            a = self.rng.choice(self.by_class[ca])
            p = self.rng.choice([i for i in self.by_class[ca] if i != a])
            anchors.append(a)
            positives.append(p)
            negatives.append(self.rng.choice(self.by_class[cn]))
        return anchors, positives, negatives


def recall_at_1(net, x, y):
    net.eval()
    with torch.no_grad():
        e = net(torch.from_numpy(x))
    d = torch.cdist(e, e)
    d.fill_diagonal_(float("inf"))
    net.train()
    y = torch.from_numpy(y)
    return (y[d.argmin(1)] == y).float().mean().item()


def centroid_accuracy(net, xtr, ytr, xte, yte):
    net.eval()
    with torch.no_grad():
        a, b = net(torch.from_numpy(xtr)), net(torch.from_numpy(xte))
    cents = torch.stack([a[torch.from_numpy(ytr == c)].mean(0) for c in range(10)])
    net.train()
    return (torch.cdist(b, cents).argmin(1).numpy() == yte).mean()


torch.manual_seed(2)
xtr, ytr, xte, yte = split_classes(2)
sampler = TripletSampler(ytr, 2)
net = nn.Sequential(nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, EMBED))
criterion = nn.TripletMarginLoss(margin=1.0)
optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
X = torch.from_numpy(xtr)
print("recall@1 at start", round(recall_at_1(net, xte, yte), 3))
for it in range(300):
    a, p, n = sampler.draw(64)
    loss = criterion(net(X[a]), net(X[p]), net(X[n]))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if (it + 1) % 75 == 0:
        print(f"{it + 1} triplet loss {loss.item():.4f}")
print("recall@1", round(recall_at_1(net, xte, yte), 3), "centroid accuracy", round(float(centroid_accuracy(net, xtr, ytr, xte, yte)), 3))
