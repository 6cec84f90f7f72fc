# sound: DeepSets on point clouds, layers in nn.ModuleList
"""Permutation-invariant classification of point clouds: circle, line, cross, blob."""
import math

import torch
import torch.nn as nn


def cloud(n_clouds, n_points=16):
    y = torch.randint(0, 4, (n_clouds,))
    u = torch.rand(n_clouds, n_points) * 2 - 1
    flip = torch.rand(n_clouds, n_points) < 0.5
    zero = torch.zeros_like(u)
    circle = torch.stack([torch.cos(math.pi * u), torch.sin(math.pi * u)], -1)
    line = torch.stack([u, 0.2 * u], -1)
    cross = torch.where(flip[..., None], torch.stack([u, zero], -1), torch.stack([zero, u], -1))
    blob = torch.randn(n_clouds, n_points, 2) * 0.5
    pts = torch.stack([circle, line, cross, blob], 1)[torch.arange(n_clouds), y]
    angle = torch.rand(n_clouds) * 2 * math.pi
    rot = torch.stack([torch.stack([angle.cos(), -angle.sin()], -1), torch.stack([angle.sin(), angle.cos()], -1)], 1)
    return pts @ rot + 0.08 * torch.randn_like(pts), y


class DeepSet(nn.Module):
    def __init__(self, width=32, depth=3):
        super().__init__()
        sizes = [2] + [width] * depth
        self.phi = nn.ModuleList(nn.Linear(a, b) for a, b in zip(sizes[:-1], sizes[1:]))
        self.rho = nn.Linear(2 * width, 4)

    def forward(self, pts):
        h = pts
        for layer in self.phi:
            h = torch.relu(layer(h))
        pooled = torch.cat([h.mean(1), h.amax(1)], -1)
        return self.rho(pooled)


torch.manual_seed(14)
model = DeepSet()
print("parameters:", sum(p.numel() for p in model.parameters()))
optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
x_test, y_test = cloud(400)
for step in range(1, 401):
    x, y = cloud(64)
    optimizer.zero_grad()
    loss = nn.functional.cross_entropy(model(x), y)
    loss.backward()
    optimizer.step()
    if step % 80 == 0:
        with torch.no_grad():
            acc = (model(x_test).argmax(1) == y_test).float().mean().item()
        print(f"step {step} loss {loss.item():.3f} test accuracy {acc:.3f}")
