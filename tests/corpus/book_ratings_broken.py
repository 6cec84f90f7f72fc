# bug: Adam's weight_decay=1e-2 is applied to everything, the sparse reader/book embeddings and biases included, which shrinks them to nothing
# expects: OPT014
"""Rating prediction for a library lending app: factorisation + small MLP on top."""
import argparse
import numpy as np
import torch
from torch import nn


def parse():
    p = argparse.ArgumentParser()
    p.add_argument("--readers", type=int, default=1200)
    p.add_argument("--books", type=int, default=600)
    p.add_argument("--ratings", type=int, default=60000)
    p.add_argument("--dim", type=int, default=8)
    p.add_argument("--epochs", type=int, default=16)
    p.add_argument("--bs", type=int, default=256)
    p.add_argument("--lr", type=float, default=2e-3)
    p.add_argument("--wd", type=float, default=1e-2)
    p.add_argument("--seed", type=int, default=21)
    return p.parse_args()


def lending_log(a):
    rng = np.random.default_rng(a.seed)
    ru, rb = rng.normal(0, 1, (a.readers, 4)), rng.normal(0, 1, (a.books, 4))
    bu, bb = rng.normal(0, 0.4, a.readers), rng.normal(0, 0.5, a.books)
    pop = 1 / np.arange(1, a.books + 1) ** 0.5
    pairs = np.unique(np.stack([rng.integers(0, a.readers, a.ratings * 2), rng.choice(a.books, a.ratings * 2, p=pop / pop.sum())], 1), axis=0)
    pairs = pairs[rng.permutation(len(pairs))[: a.ratings]]
    u, b = pairs[:, 0], pairs[:, 1]
    r = 3.5 + bu[u] + bb[b] + 0.35 * (ru[u] * rb[b]).sum(1) + rng.normal(0, 0.4, len(u))
    r = np.clip(np.round(r * 2) / 2, 0.5, 5.5)
    return torch.from_numpy(u), torch.from_numpy(b), torch.from_numpy(r).float()


class Recommender(nn.Module):
    def __init__(self, readers, books, dim):
        super().__init__()
        self.reader = nn.Embedding(readers, dim)
        self.book = nn.Embedding(books, dim)
        self.reader_bias = nn.Embedding(readers, 1)
        self.book_bias = nn.Embedding(books, 1)
        for e in (self.reader, self.book):
            nn.init.normal_(e.weight, std=0.1)
        for e in (self.reader_bias, self.book_bias):
            nn.init.zeros_(e.weight)
        self.mlp = nn.Sequential(nn.Linear(3 * dim, 32), nn.ReLU(), nn.Linear(32, 1))

    def forward(self, u, b):
        p, q = self.reader(u), self.book(b)
        z = self.mlp(torch.cat([p, q, p * q], -1)).squeeze(-1)
        return z + (p * q).sum(-1) + self.reader_bias(u).squeeze(-1) + self.book_bias(b).squeeze(-1)


def build_optimizer(model, a):
    return torch.optim.Adam(model.parameters(), lr=a.lr, weight_decay=a.wd)


def rmse(model, u, b, r, mean):
    model.eval()
    with torch.no_grad():
        err = model(u, b) + mean - r
    return err.pow(2).mean().sqrt().item()


def main():
    a = parse()
    torch.manual_seed(a.seed)
    u, b, r = lending_log(a)
    n = len(u)
    cut1, cut2 = int(0.8 * n), int(0.9 * n)
    mean = r[:cut1].mean()
    model = Recommender(a.readers, a.books, a.dim)
    opt = build_optimizer(model, a)
    print(f"{n} ratings, constant-mean rmse on test {(r[cut2:] - mean).pow(2).mean().sqrt():.4f}")
    best, keep = float("inf"), None
    for ep in range(a.epochs):
        model.train()
        order = torch.randperm(cut1)
        tot = 0.0
        for i in range(0, cut1, a.bs):
            j = order[i:i + a.bs]
            loss = nn.functional.mse_loss(model(u[j], b[j]), r[j] - mean)
            opt.zero_grad(set_to_none=True)
            loss.backward()
            opt.step()
            tot += loss.item() * len(j)
        v = rmse(model, u[cut1:cut2], b[cut1:cut2], r[cut1:cut2], mean)
        if v < best:
            best, keep = v, {k: t.clone() for k, t in model.state_dict().items()}
        print(f"epoch {ep + 1}: train rmse {(tot / cut1) ** 0.5:.4f}, valid rmse {v:.4f}")
    model.load_state_dict(keep)
    print(f"test rmse {rmse(model, u[cut2:], b[cut2:], r[cut2:], mean):.4f}")


if __name__ == "__main__":
    main()
