# expects: nothing
import random

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

random.seed(11)
np.random.seed(11)
torch.manual_seed(11)

LENGTH = 160
KINDS = ["rising", "falling", "two-tone", "beat", "burst"]


def make_call(kind, rng):
    t = np.linspace(0, 1, LENGTH)
    f0 = rng.uniform(6, 14)
    f1 = f0 + rng.uniform(6, 12)
    phase = rng.uniform(0, 2 * np.pi)
    if kind == 0:
        w = np.sin(2 * np.pi * (f0 * t + (f1 - f0) * t ** 2 / 2) + phase)
    elif kind == 1:
        w = np.sin(2 * np.pi * (f1 * t - (f1 - f0) * t ** 2 / 2) + phase)
    elif kind == 2:
        w = np.where(t < rng.uniform(0.35, 0.65), np.sin(2 * np.pi * f0 * t + phase), np.sin(2 * np.pi * f1 * t))
    elif kind == 3:
        w = 0.7 * (np.sin(2 * np.pi * f0 * t + phase) + np.sin(2 * np.pi * f1 * t))
    else:
        c = rng.uniform(0.25, 0.75)
        w = 1.6 * np.exp(-((t - c) / 0.15) ** 2) * np.sin(2 * np.pi * (f0 + f1) / 2 * t + phase)
    return w + rng.normal(0, 0.55, LENGTH)


def make_set(n, seed):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, len(KINDS), n)
    x = np.stack([make_call(k, rng) for k in y])
    return torch.tensor(x, dtype=torch.float32).unsqueeze(1), torch.tensor(y)


class CallNet(nn.Module):
    def __init__(self, width=20, dim=24):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv1d(1, width, 9, stride=2, padding=4), nn.GroupNorm(4, width), nn.GELU(),
            nn.Conv1d(width, width, 7, stride=2, padding=3), nn.GroupNorm(4, width), nn.GELU(),
            nn.Conv1d(width, 2 * width, 5, stride=2, padding=2), nn.GroupNorm(4, 2 * width), nn.GELU(),
            nn.AdaptiveAvgPool1d(2), nn.Flatten(), nn.Linear(4 * width, dim),
        )
        self.head = nn.Sequential(nn.LayerNorm(dim), nn.Linear(dim, 48), nn.GELU(), nn.Linear(48, len(KINDS)))

    def embed(self, wave):
        """Fixed-length vector per call; also exported for the nearest-neighbour browser."""
        return self.encoder(wave)

    def forward(self, wave):
        return self.head(self.embed(wave))


@torch.no_grad()
def accuracy(model, x, y):
    model.eval()
    hits = torch.cat([model(part).argmax(1) for part in x.split(256)]) == y
    model.train()
    return hits.float().mean().item()


@torch.no_grad()
def neighbour_purity(model, bank, bank_y, query, query_y):
    model.eval()
    a, b = model.embed(query), model.embed(bank)
    nearest = torch.cdist(a, b).topk(5, largest=False).indices
    model.train()
    return (bank_y[nearest] == query_y[:, None]).float().mean().item()


train_x, train_y = make_set(2400, 1)
valid_x, valid_y = make_set(800, 2)
loader = DataLoader(TensorDataset(train_x, train_y), batch_size=50, shuffle=True)

model = CallNet()
opt = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=1e-2)
epochs = 18
sched = torch.optim.lr_scheduler.OneCycleLR(opt, 4e-3, total_steps=epochs * len(loader))
loss_fn = nn.CrossEntropyLoss()

for epoch in range(epochs):
    total = 0.0
    for xb, yb in loader:
        loss = loss_fn(model(xb), yb)
        opt.zero_grad()
        loss.backward()
        opt.step()
        sched.step()
        total += loss.item() * len(xb)
    print(f"epoch {epoch + 1:2d}  loss {total / len(train_x):.4f}  valid acc {accuracy(model, valid_x, valid_y):.3f}")

print(f"neighbour purity {neighbour_purity(model, train_x, train_y, valid_x, valid_y):.3f}")
print(f"final valid accuracy {accuracy(model, valid_x, valid_y):.3f}")
