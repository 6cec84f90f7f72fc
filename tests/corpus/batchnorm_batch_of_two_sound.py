# sound: batch norm with batches of 32
"""Deep MLP with batch norm on digits, step-based loop."""
import itertools

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split

BATCH_SIZE, STEPS, LR = 32, 300, 2e-3


def layer(n_in, n_out):
    return nn.Sequential(nn.Linear(n_in, n_out, bias=False), nn.BatchNorm1d(n_out), nn.ReLU())


def build():
    return nn.Sequential(layer(64, 48), layer(48, 48), layer(48, 32), nn.Linear(32, 10))


def cycle(loader):
    while True:
        yield from loader


@torch.no_grad()
def evaluate(model, loader):
    model.eval()
    loss, hits, n = 0.0, 0, 0
    for x, y in loader:
        out = model(x)
        loss += nn.functional.cross_entropy(out, y, reduction="sum").item()
        hits += (out.argmax(1) == y).sum().item()
        n += len(y)
    model.train()
    return loss / n, hits / n


if __name__ == "__main__":
    torch.manual_seed(55)
    raw = load_digits()
    full = TensorDataset(torch.tensor(raw.data / 8 - 1, dtype=torch.float32), torch.tensor(raw.target))
    train, val = random_split(full, [1400, 397])
    train_loader = DataLoader(train, batch_size=BATCH_SIZE, shuffle=True, drop_last=True)
    val_loader = DataLoader(val, batch_size=200)
    model = build()
    optimizer = torch.optim.Adam(model.parameters(), lr=LR)
    for step, (x, y) in enumerate(itertools.islice(cycle(train_loader), STEPS), 1):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        if step % 100 == 0:
            vl, va = evaluate(model, val_loader)
            print(f"step {step}: loss {loss.item():.3f} val loss {vl:.3f} val acc {va:.3f}")
