# expects: DAT024
# Embedding of hand-stamped digits with batch-hard triplets; retrieval by nearest neighbour.
import argparse

import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.neighbors import KNeighborsClassifier
from torch import nn
from torch.utils.data import DataLoader, Dataset, Sampler

parser = argparse.ArgumentParser()
parser.add_argument("--epochs", type=int, default=150)
parser.add_argument("--per-class", type=int, default=4)
parser.add_argument("--batches", type=int, default=4)
parser.add_argument("--margin", type=float, default=0.3)
parser.add_argument("--lr", type=float, default=1e-3)
parser.add_argument("--seed", type=int, default=11)
args = parser.parse_args()


class Stamps(Dataset):
    """8x8 stamps with a blank border of one pixel."""

    def __init__(self, images, labels):
        padded = np.pad(images, ((0, 0), (1, 1), (1, 1)))
        self.x = torch.tensor(padded / 16.0, dtype=torch.float32)
        self.y = torch.tensor(labels)

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        return self.x[i].unsqueeze(0), self.y[i]


class PKSampler(Sampler):
    """Yields lists of indices: k examples of every class in each batch."""

    def __init__(self, labels, k, batches, seed):
        self.k, self.batches = k, batches
        self.rng = np.random.default_rng(seed)
        self.pools = [self.rng.permutation(np.flatnonzero(labels == c)) for c in np.unique(labels)]
        self.cursor = [0] * len(self.pools)

    def __len__(self):
        return self.batches

    def take(self, c):
        if self.cursor[c] + self.k > len(self.pools[c]):
            self.rng.shuffle(self.pools[c])
            self.cursor[c] = 0
        start = self.cursor[c]
        self.cursor[c] += self.k
        return self.pools[c][start:start + self.k].tolist()

    def __iter__(self):
        self.cursor = [0] * len(self.pools)
        for _ in range(self.batches):
            batch = []
            for c in range(len(self.pools)):
                batch += self.take(c)
            yield batch


class Embedder(nn.Module):
    def __init__(self, dim=16):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 24, 3), nn.ReLU(),
            nn.Conv2d(24, 48, 3, stride=2, padding=1), nn.ReLU(),
            nn.Flatten(), nn.Linear(48 * 16, 96), nn.ReLU(), nn.Linear(96, dim))

    def forward(self, x):
        return nn.functional.normalize(self.features(x), dim=1)


def batch_hard(z, y, margin):
    d = torch.cdist(z, z)
    same = y[:, None] == y[None, :]
    hardest_pos = d.masked_fill(~same, 0.0).amax(1)
    hardest_neg = d.masked_fill(same, 10.0).amin(1)
    return nn.functional.softplus((hardest_pos - hardest_neg + margin) * 5).mean()


@torch.no_grad()
def embed(model, x):
    model.eval()
    return model(x.unsqueeze(1)).numpy()


torch.manual_seed(args.seed)
data = load_digits()
order = np.random.default_rng(args.seed).permutation(len(data.target))
tr, va = order[:1300], order[1300:]
train, valid = Stamps(data.images[tr], data.target[tr]), Stamps(data.images[va], data.target[va])
gallery = slice(0, 200)
query = slice(200, None)

sampler = PKSampler(data.target[tr], args.per_class, args.batches, args.seed)
loader = DataLoader(train, batch_sampler=sampler)
model = Embedder()
opt = torch.optim.Adam(model.parameters(), lr=args.lr)

for epoch in range(args.epochs):
    model.train()
    total = 0.0
    for x, y in loader:
        loss = batch_hard(model(x), y, args.margin)
        opt.zero_grad()
        loss.backward()
        opt.step()
        total += loss.item()
    if (epoch + 1) % 10 == 0:
        z = embed(model, valid.x)
        knn = KNeighborsClassifier(1).fit(z[gallery], valid.y[gallery].numpy())
        recall = knn.score(z[query], valid.y[query].numpy())
        print(f"epoch {epoch + 1:3d} | triplet {total / len(loader):.4f} | recall@1 {recall:.4f}")
