# expects: nothing
import math
import random

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

CFG = dict(
    seed=7,
    epochs=18,
    batch_size=64,
    width=12,
    dropout=0.2,
    optim=dict(name="Adam", lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-5),
)


def seed_everything(s):
    random.seed(s)
    np.random.seed(s)
    torch.manual_seed(s)


class ConvBN(nn.Module):
    def __init__(self, cin, cout, k):
        super().__init__()
        self.conv = nn.Conv2d(cin, cout, k, padding=k // 2, bias=False)
        self.bn = nn.BatchNorm2d(cout)

    def forward(self, x):
        return F.relu(self.bn(self.conv(x)))


class Mixed(nn.Module):
    """Four-branch block after Szegedy et al., shrunk to 8x8 inputs."""

    def __init__(self, cin, w):
        super().__init__()
        self.b1 = ConvBN(cin, w, 1)
        self.b3 = nn.Sequential(ConvBN(cin, w, 1), ConvBN(w, w, 3))
        self.b5 = nn.Sequential(ConvBN(cin, w, 1), ConvBN(w, w, 3), ConvBN(w, w, 3))
        self.bp = ConvBN(cin, w, 1)

    def forward(self, x):
        p = F.avg_pool2d(x, 3, stride=1, padding=1)
        return torch.cat([self.b1(x), self.b3(x), self.b5(x), self.bp(p)], dim=1)


class MiniInception(nn.Module):
    def __init__(self, width, dropout, classes=10):
        super().__init__()
        self.stem = ConvBN(1, 2 * width, 3)
        self.m1 = Mixed(2 * width, width)
        self.m2 = Mixed(4 * width, width)
        self.drop = nn.Dropout(dropout)
        self.fc = nn.Linear(4 * width, classes)

    def forward(self, x):
        x = self.m1(self.stem(x))
        x = F.max_pool2d(x, 2)
        x = self.m2(x)
        x = x.mean(dim=(2, 3))
        return self.fc(self.drop(x))


def build_optimizer(model, spec):
    spec = dict(spec)
    cls = getattr(torch.optim, spec.pop("name"))
    return cls(model.parameters(), **spec)


def get_data():
    images, target = load_digits(return_X_y=True)
    images = images.reshape(-1, 1, 8, 8).astype("float32") / 16.0
    xtr, xte, ytr, yte = train_test_split(
        images, target, test_size=0.25, stratify=target, random_state=CFG["seed"]
    )
    mu, sd = xtr.mean(), xtr.std()
    f = lambda a: torch.from_numpy((a - mu) / sd)
    return f(xtr), torch.from_numpy(ytr), f(xte), torch.from_numpy(yte)


@torch.no_grad()
def evaluate(model, x, y):
    model.eval()
    out = model(x)
    return F.cross_entropy(out, y).item(), (out.argmax(1) == y).float().mean().item()


def main():
    seed_everything(CFG["seed"])
    xtr, ytr, xte, yte = get_data()
    model = MiniInception(CFG["width"], CFG["dropout"])
    opt = build_optimizer(model, CFG["optim"])
    bs = CFG["batch_size"]
    n_batches = math.ceil(len(xtr) / bs)
    print(f"{sum(p.numel() for p in model.parameters())} parameters, {n_batches} batches per epoch")
    for epoch in range(1, CFG["epochs"] + 1):
        model.train()
        order = torch.randperm(len(xtr))
        running = 0.0
        for i in range(n_batches):
            idx = order[i * bs:(i + 1) * bs]
            loss = F.cross_entropy(model(xtr[idx]), ytr[idx])
            opt.zero_grad()
            loss.backward()
            opt.step()
            running += loss.item() * len(idx)
        te_loss, te_acc = evaluate(model, xte, yte)
        print(f"epoch {epoch:2d}  train {running / len(xtr):.4f}  test {te_loss:.4f}  acc {te_acc:.4f}")


if __name__ == "__main__":
    main()
