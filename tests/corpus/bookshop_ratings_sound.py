# expects: nothing
import math
import time

import numpy as np
import torch
from torch import nn

SEED = 11
N_READERS, N_BOOKS, N_GENRES = 400, 300, 12
N_RATINGS = 60_000
BATCH = 512
EPOCHS = 20


def make_ratings(rng):
    taste = rng.normal(size=(N_READERS, 4))
    style = rng.normal(size=(N_BOOKS, 4))
    reader_bias = rng.normal(0, 0.4, N_READERS)
    book_bias = rng.normal(0, 0.5, N_BOOKS)
    genre = rng.integers(0, N_GENRES, N_BOOKS)
    genre_bias = rng.normal(0, 0.3, N_GENRES)
    popularity = rng.gamma(1.5, size=N_BOOKS)
    u = rng.integers(0, N_READERS, N_RATINGS)
    b = rng.choice(N_BOOKS, N_RATINGS, p=popularity / popularity.sum())
    pairs = np.unique(np.stack([u, b], 1), axis=0)
    rng.shuffle(pairs)
    u, b = pairs[:, 0], pairs[:, 1]
    score = 3.4 + reader_bias[u] + book_bias[b] + genre_bias[genre[b]]
    score = score + 0.5 * (taste[u] * style[b]).sum(1) + rng.normal(0, 0.3, len(u))
    return u, b, genre[b], score.astype(np.float32)


class RatingNet(nn.Module):
    def __init__(self, mean, dim=5):
        super().__init__()
        self.reader_emb = nn.Embedding(N_READERS, dim)
        self.book_emb = nn.Embedding(N_BOOKS, dim)
        self.genre_emb = nn.Embedding(N_GENRES, 4)
        for e in (self.reader_emb, self.book_emb, self.genre_emb):
            nn.init.normal_(e.weight, std=0.1)
        self.mlp = nn.Sequential(
            nn.Linear(3 * dim + 4, 64), nn.ReLU(), nn.Dropout(0.1),
            nn.Linear(64, 32), nn.ReLU(),
        )
        self.out = nn.Linear(32 + dim, 1)
        nn.init.constant_(self.out.bias, mean)

    def forward(self, u, b, g):
        r, k = self.reader_emb(u), self.book_emb(b)
        h = self.mlp(torch.cat([r, k, r * k, self.genre_emb(g)], -1))
        return self.out(torch.cat([h, r * k], -1)).squeeze(-1)


def build_optimizer(model, lr=3e-3, weight_decay=1e-2):
    decay, plain = [], []
    for p in model.parameters():
        (decay if p.ndim > 1 else plain).append(p)
    return torch.optim.AdamW(
        [{"params": decay, "weight_decay": weight_decay}, {"params": plain, "weight_decay": 0.0}], lr=lr
    )


@torch.no_grad()
def rmse(model, part):
    model.eval()
    u, b, g, y = part
    err = model(u, b, g) - y
    return math.sqrt(err.square().mean().item())


def main():
    torch.manual_seed(SEED)
    rng = np.random.default_rng(SEED)
    cols = [torch.from_numpy(c) for c in make_ratings(rng)]
    n = len(cols[0])
    cut1, cut2 = int(0.8 * n), int(0.9 * n)
    train = [c[:cut1] for c in cols]
    val = [c[cut1:cut2] for c in cols]
    test = [c[cut2:] for c in cols]

    model = RatingNet(train[3].mean().item())
    opt = build_optimizer(model)
    sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, EPOCHS)
    start = time.time()
    for epoch in range(EPOCHS):
        model.train()
        order = torch.randperm(cut1)
        total = 0.0
        for i in range(0, cut1, BATCH):
            idx = order[i:i + BATCH]
            u, b, g, y = (c[idx] for c in train)
            loss = nn.functional.mse_loss(model(u, b, g), y)
            opt.zero_grad()
            loss.backward()
            opt.step()
            total += loss.item() * len(idx)
        sched.step()
        print(f"epoch {epoch:2d}  train mse {total / cut1:.4f}  val rmse {rmse(model, val):.4f}")
    spread = test[3].std().item()
    print(f"test rmse {rmse(model, test):.4f}  (ratings std {spread:.3f})  {time.time() - start:.1f}s")


if __name__ == "__main__":
    main()
