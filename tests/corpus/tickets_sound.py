# expects: nothing
"""Route support tickets to a desk. Bag-of-words tickets, very uneven desk sizes, so we rebalance with a sampler."""
import argparse

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset, WeightedRandomSampler

DESKS = ["billing", "login", "shipping", "returns", "hardware", "legal"]
SHARE = np.array([0.46, 0.20, 0.14, 0.10, 0.06, 0.04])
VOCAB, LENGTH = 600, 18


def make_tickets(n, rng):
    topics = np.stack([rng.dirichlet(np.full(VOCAB, 0.08)) for _ in DESKS])
    common = rng.dirichlet(np.full(VOCAB, 0.5))
    y = rng.choice(len(DESKS), size=n, p=SHARE)
    x = np.empty((n, LENGTH), dtype=np.int64)
    for i, c in enumerate(y):
        x[i] = rng.choice(VOCAB, size=LENGTH, p=0.35 * topics[c] + 0.65 * common)
    return torch.from_numpy(x), torch.from_numpy(y)


class Router(nn.Module):
    def __init__(self, dim, p):
        super().__init__()
        self.words = nn.EmbeddingBag(VOCAB, dim, mode="mean")
        self.net = nn.Sequential(nn.Dropout(p), nn.Linear(dim, 64), nn.ReLU(), nn.Dropout(p), nn.Linear(64, len(DESKS)))

    def forward(self, x):
        return self.net(self.words(x))


def balanced_sampler(y):
    counts = torch.bincount(y, minlength=len(DESKS)).float()
    rarity = counts.max() / counts
    weights = rarity[y]
    return WeightedRandomSampler(weights, num_samples=len(y), replacement=True)


@torch.no_grad()
def evaluate(model, loader):
    model.eval()
    confusion = torch.zeros(len(DESKS), len(DESKS))
    loss, n = 0.0, 0
    for xb, yb in loader:
        out = model(xb)
        loss += F.cross_entropy(out, yb, reduction="sum").item()
        n += len(yb)
        for t, p in zip(yb, out.argmax(1)):
            confusion[t, p] += 1
    recall = confusion.diag() / confusion.sum(1).clamp(min=1)
    return loss / n, (confusion.diag().sum() / n).item(), recall


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--epochs", type=int, default=10)
    ap.add_argument("--lr", type=float, default=2e-3)
    ap.add_argument("--dim", type=int, default=48)
    ap.add_argument("--dropout", type=float, default=0.3)
    ap.add_argument("--batch", type=int, default=64)
    ap.add_argument("--seed", type=int, default=3)
    args = ap.parse_args()

    torch.manual_seed(args.seed)
    rng = np.random.default_rng(args.seed)
    x, y = make_tickets(9000, rng)
    order = torch.randperm(len(x))
    tr, va = order[:7000], order[7000:]

    train_loader = DataLoader(TensorDataset(x[tr], y[tr]), batch_size=args.batch, sampler=balanced_sampler(y[tr]))
    valid_loader = DataLoader(TensorDataset(x[va], y[va]), batch_size=500)

    model = Router(args.dim, args.dropout)
    opt = torch.optim.AdamW(model.parameters(), lr=args.lr, weight_decay=1e-3)
    for epoch in range(args.epochs):
        model.train()
        running, seen = 0.0, 0
        for xb, yb in train_loader:
            loss = F.cross_entropy(model(xb), yb)
            opt.zero_grad()
            loss.backward()
            opt.step()
            running += loss.item() * len(yb)
            seen += len(yb)
        vloss, acc, _ = evaluate(model, valid_loader)
        print(f"epoch {epoch + 1:2d}  train loss {running / seen:.4f}  valid loss {vloss:.4f}  valid acc {acc:.3f}")

    _, acc, recall = evaluate(model, valid_loader)
    print(f"final accuracy {acc:.3f}  balanced accuracy {recall.mean().item():.3f}")


if __name__ == "__main__":
    main()
