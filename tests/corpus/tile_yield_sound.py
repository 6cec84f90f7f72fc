# expects: nothing
"""Estimate the yield of a field tile from a bag of patch spectra (crop, soil and road patches mixed)."""
import math
from typing import NamedTuple

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import IterableDataset, DataLoader

BANDS, PATCHES = 16, 24


class Scene(NamedTuple):
    signature: torch.Tensor
    response: torch.Tensor


def make_scene():
    g = torch.Generator().manual_seed(31)
    return Scene(torch.randn(3, BANDS, generator=g), torch.randn(BANDS, generator=g) * 0.6)


class Tiles(IterableDataset):
    """Endless stream of simulated tiles; a separate seed gives a separate stream."""

    def __init__(self, scene, seed, batches, size):
        self.scene, self.seed, self.batches, self.size = scene, seed, batches, size

    def __iter__(self):
        g = torch.Generator().manual_seed(self.seed)
        for _ in range(self.batches):
            share = 0.25 + 0.5 * torch.rand(self.size, 1, generator=g)
            crop = torch.rand(self.size, PATCHES, generator=g) < share
            crop[:, 0] = True
            other = torch.randint(1, 3, (self.size, PATCHES), generator=g)
            kind = torch.where(crop, torch.zeros_like(other), other)
            vigour = torch.randn(self.size, 1, generator=g) + 0.8 * torch.randn(self.size, PATCHES, generator=g)
            x = self.scene.signature[kind] + vigour[..., None] * self.scene.response
            x = x + 0.5 * torch.randn(x.shape, generator=g)
            y = (vigour * crop).sum(1) / crop.sum(1)
            yield x, y + 0.1 * torch.randn(self.size, generator=g)


class AttentionPool(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.dim = dim
        self.query = nn.Parameter(torch.randn(heads, dim))
        self.key = nn.Linear(dim, dim)
        self.value = nn.Linear(dim, dim)
        self.merge = nn.Linear(heads * dim, dim)

    def forward(self, h):
        scores = self.query @ self.key(h).transpose(1, 2) / math.sqrt(self.dim)
        pooled = scores.softmax(-1) @ self.value(h)
        return self.merge(pooled.flatten(1))


class YieldNet(nn.Module):
    def __init__(self, dim=64, heads=2):
        super().__init__()
        self.patch = nn.Sequential(nn.Linear(BANDS, dim), nn.GELU(), nn.Linear(dim, dim), nn.LayerNorm(dim))
        self.pool = AttentionPool(dim, heads)
        self.head = nn.Sequential(nn.GELU(), nn.Linear(dim, 1))

    def forward(self, x):
        return self.head(self.pool(self.patch(x))).squeeze(-1)


@torch.no_grad()
def r2(model, loader):
    model.eval()
    pred, true = [], []
    for x, y in loader:
        pred.append(model(x))
        true.append(y)
    pred, true = torch.cat(pred), torch.cat(true)
    return (1 - (pred - true).square().sum() / (true - true.mean()).square().sum()).item()


def main():
    torch.manual_seed(2)
    scene, steps = make_scene(), 1000
    train = DataLoader(Tiles(scene, 100, steps, 64), batch_size=None)
    test = DataLoader(Tiles(scene, 999, 10, 250), batch_size=None)
    model = YieldNet()
    opt = torch.optim.AdamW(model.parameters(), lr=1e-3, betas=(0.9, 0.98), weight_decay=0.01)
    sched = torch.optim.lr_scheduler.LambdaLR(opt, lambda s: min((s + 1) / 100, 1.0) * (1 - 0.9 * s / steps))
    for step, (x, y) in enumerate(train, 1):
        model.train()
        loss = F.mse_loss(model(x), y)
        opt.zero_grad()
        loss.backward()
        opt.step()
        sched.step()
        if step % 200 == 0:
            print(f"step {step:4d} train mse {loss.item():.3f} | test R2 {r2(model, test):.3f}")


main()
