# expects: nothing
"""Carry a fault classifier from plant A to plant B with low-rank updates; plant B has few labelled rows."""
import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn


@dataclass
class Settings:
    inputs: int = 40
    classes: int = 8
    width: int = 128
    rank: int = 8
    rows_a: int = 16000
    rows_b: int = 2500
    rows_test: int = 2000
    seed: int = 13


class Plant:
    def __init__(self, s, gen):
        self.s, self.gen = s, gen
        self.centres = 1.1 * torch.randn(s.classes, 3, 10, generator=gen)
        self.lift = torch.randn(10, s.inputs, generator=gen) / math.sqrt(10)
        u = torch.randn(s.inputs, 6, generator=gen) / math.sqrt(s.inputs)
        v = torch.randn(6, s.inputs, generator=gen)
        self.drift = torch.eye(s.inputs) + 0.7 * u @ v

    def rows(self, n, moved):
        y = torch.randint(self.s.classes, (n,), generator=self.gen)
        mode = torch.randint(3, (n,), generator=self.gen)
        z = self.centres[y, mode] + 0.55 * torch.randn(n, 10, generator=self.gen)
        x = torch.tanh(z) @ self.lift + 0.1 * torch.randn(n, self.s.inputs, generator=self.gen)
        return (x @ self.drift if moved else x), y


class LowRank(nn.Module):
    def __init__(self, base, rank):
        super().__init__()
        self.base = base.requires_grad_(False)
        self.down = nn.Parameter(torch.randn(rank, base.in_features) / math.sqrt(base.in_features))
        self.up = nn.Parameter(torch.zeros(base.out_features, rank))
        self.scale = 2.0

    def forward(self, x):
        return self.base(x) + self.scale * F.linear(F.linear(x, self.down), self.up)


def backbone(s):
    return nn.Sequential(
        nn.Linear(s.inputs, s.width), nn.ReLU(),
        nn.Linear(s.width, s.width), nn.ReLU(),
        nn.Linear(s.width, s.width), nn.ReLU(),
    )


def attach(body, rank):
    for i, layer in enumerate(body):
        if isinstance(layer, nn.Linear):
            body[i] = LowRank(layer, rank)


@torch.no_grad()
def accuracy(model, data):
    model.eval()
    return (model(data[0]).argmax(1) == data[1]).float().mean().item()


def train(model, data, check, epochs, lr, tag):
    params = [p for p in model.parameters() if p.requires_grad]
    print(f"{tag}: {sum(p.numel() for p in params)} trainable of {sum(p.numel() for p in model.parameters())}")
    opt = torch.optim.AdamW(params, lr=lr, weight_decay=1e-3)
    sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, epochs)
    for epoch in range(epochs):
        model.train()
        total = 0.0
        for idx in torch.randperm(len(data[0])).split(64):
            loss = F.cross_entropy(model(data[0][idx]), data[1][idx])
            opt.zero_grad()
            loss.backward()
            opt.step()
            total += loss.item() * len(idx)
        sched.step()
        print(f"{tag} epoch {epoch}: loss {total / len(data[0]):.4f} held-out {accuracy(model, check):.3f}")


def main():
    s = Settings()
    torch.manual_seed(s.seed)
    plant = Plant(s, torch.Generator().manual_seed(s.seed))
    model = nn.Sequential(backbone(s), nn.Linear(s.width, s.classes))
    train(model, plant.rows(s.rows_a, False), plant.rows(s.rows_test, False), 8, 1e-3, "plant A")

    b_train, b_val, b_test = (plant.rows(n, True) for n in (s.rows_b, s.rows_test, s.rows_test))
    print(f"plant B before adapting: {accuracy(model, b_val):.3f}")
    attach(model[0], s.rank)
    train(model, b_train, b_val, 30, 2e-3, "plant B")
    print(f"plant B test accuracy {accuracy(model, b_test):.3f}")


if __name__ == "__main__":
    main()
