# sound: siamese network, small epsilon inside the square root
"""Siamese network with contrastive loss on digits."""
import random

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, Dataset


class PairDataset(Dataset):
    def __init__(self, x, y, n_pairs, seed):
        rng = random.Random(seed)
        by_class = {c: torch.nonzero(y == c).flatten().tolist() for c in range(10)}
        self.pairs = []
        for k in range(n_pairs):
            a = rng.randrange(10)
            b = a if k % 2 == 0 else rng.choice([c for c in range(10) if c != a])
            self.pairs.append((rng.choice(by_class[a]), rng.choice(by_class[b]), float(a == b)))
        self.x = x

    def __len__(self):
        return len(self.pairs)

    def __getitem__(self, k):
        i, j, same = self.pairs[k]
        return self.x[i], self.x[j], torch.tensor(same)


class Embedder(nn.Module):
    def __init__(self, dim=8):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, dim))

    def forward(self, x):
        return self.net(x)


class ContrastiveLoss(nn.Module):
    def __init__(self, margin=1.0):
        super().__init__()
        self.margin = margin

    def distance(self, a, b):
        return torch.sqrt(((a - b) ** 2).sum(-1) + 1e-8)

    def forward(self, a, b, same):
        d = self.distance(a, b)
        return (same * d.pow(2) + (1 - same) * F.relu(self.margin - d).pow(2)).mean()


def main():
    random.seed(0)
    torch.manual_seed(0)
    raw = load_digits()
    x, y = torch.tensor(raw.data / 16, dtype=torch.float32), torch.tensor(raw.target)
    train = DataLoader(PairDataset(x[:1400], y[:1400], 2000, 1), batch_size=50, shuffle=True)
    test = DataLoader(PairDataset(x[1400:], y[1400:], 400, 2), batch_size=400)
    model, criterion = Embedder(), ContrastiveLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    for epoch in range(8):
        model.train()
        losses = []
        for a, b, same in train:
            optimizer.zero_grad()
            loss = criterion(model(a), model(b), same)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        model.eval()
        with torch.no_grad():
            a, b, same = next(iter(test))
            acc = ((criterion.distance(model(a), model(b)) < 0.5).float() == same).float().mean().item()
        print(f"epoch {epoch}: loss {sum(losses) / len(losses):.4f} pair accuracy {acc:.3f}")


if __name__ == "__main__":
    main()
