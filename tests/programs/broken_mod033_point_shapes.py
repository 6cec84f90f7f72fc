# expects: MOD033
"""PointNet-style classification of 3-D point clouds (sphere, cube, torus, cylinder, cone), random rotations."""

import math

import torch
from torch import nn, optim

CLASSES = ("sphere", "cube", "torus", "cylinder", "cone")
P = 64


def surface(kind, n):
    u, v = torch.rand(n, P), torch.rand(n, P)
    a, b = 2 * math.pi * u, 2 * math.pi * v
    if kind == "sphere":
        z = 2 * v - 1
        r = (1 - z**2).sqrt()
        pts = torch.stack([r * a.cos(), r * a.sin(), z], -1)
    elif kind == "cube":
        pts = torch.rand(n, P, 3) * 2 - 1
        face = torch.randint(0, 3, (n, P, 1))
        sign = torch.randint(0, 2, (n, P, 1)).float() * 2 - 1
        pts = pts.scatter(2, face, sign)
    elif kind == "torus":
        r = 1 + 0.4 * b.cos()
        pts = torch.stack([r * a.cos(), r * a.sin(), 0.4 * b.sin()], -1)
    elif kind == "cylinder":
        pts = torch.stack([a.cos(), a.sin(), 2.4 * v - 1.2], -1)
    else:
        r = v.sqrt()
        pts = torch.stack([r * a.cos(), r * a.sin(), 2 * (1 - r) - 0.7], -1)
    return pts


def random_rotation(n):
    q, r = torch.linalg.qr(torch.randn(n, 3, 3))
    return q * torch.sign(torch.diagonal(r, dim1=1, dim2=2))[:, None, :]


def dataset(per_class):
    xs, ys = [], []
    for c, kind in enumerate(CLASSES):
        pts = surface(kind, per_class) * (0.8 + 0.4 * torch.rand(per_class, 1, 3))
        pts = pts @ random_rotation(per_class)
        pts = pts + 0.03 * torch.randn_like(pts)
        pts = pts - pts.mean(1, keepdim=True)
        xs.append(pts / pts.norm(dim=-1).mean(1)[:, None, None])
        ys.append(torch.full((per_class,), c))
    return torch.cat(xs), torch.cat(ys)


class Backbone(nn.Module):
    def __init__(self, width=64):
        super().__init__()
        self.point_mlp = nn.Sequential(
            nn.Linear(3, 32), nn.ReLU(), nn.Linear(32, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU()
        )

    def forward(self, pts):
        return self.point_mlp(pts).amax(1)


class ShapeClassifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone = Backbone()
        self.head = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, len(CLASSES)))

    def forward(self, pts):
        return self.head(self.backbone(pts))


def run_epoch(model, x, y, optimizer=None, bs=50):
    model.train(optimizer is not None)
    order = torch.randperm(len(x)) if optimizer else torch.arange(len(x))
    total, right = 0.0, 0
    for ids in order.split(bs):
        with torch.set_grad_enabled(optimizer is not None):
            out = model(x[ids])
            loss = nn.functional.cross_entropy(out, y[ids])
        if optimizer:
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        total += loss.item() * len(ids)
        right += (out.argmax(1) == y[ids]).sum().item()
    return total / len(x), right / len(x)


def main():
    torch.manual_seed(77)
    x_tr, y_tr = dataset(700)
    x_te, y_te = dataset(120)
    model = ShapeClassifier()
    for p in model.backbone.parameters():
        p.requires_grad = False
    optimizer = optim.Adam([p for p in model.parameters() if p.requires_grad], lr=5e-3)
    sched = optim.lr_scheduler.CosineAnnealingLR(optimizer, 18)
    for epoch in range(1, 19):
        tr = run_epoch(model, x_tr, y_tr, optimizer)
        sched.step()
        te = run_epoch(model, x_te, y_te)
        if epoch % 3 == 0:
            print(f"{epoch:2d}  train {tr[0]:.3f}/{tr[1]:.3f}  test {te[0]:.3f}/{te[1]:.3f}")


main()
