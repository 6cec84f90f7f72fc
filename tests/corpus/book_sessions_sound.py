# expects: nothing
"""Next-book recommendation from borrowing sessions, item vectors warmed up with a truncated SVD."""
import argparse

import numpy as np
import scipy.sparse as sp
import torch
import torch.nn as nn
from sklearn.decomposition import TruncatedSVD


def sessions(n, n_items, length, seed):
    """Readers move through shelves; popular neighbours are borrowed more often."""
    world = np.random.default_rng(0)
    place = world.normal(size=(n_items, 6))
    drift = 0.5 * world.normal(size=(6, 6))
    score = (place @ (np.eye(6) + drift)) @ place.T * 1.3 + 0.3 * world.normal(size=n_items)
    np.fill_diagonal(score, -50)
    prob = np.exp(score - score.max(1, keepdims=True))
    cdf = np.cumsum(prob / prob.sum(1, keepdims=True), axis=1)
    rng = np.random.default_rng(seed)
    out = np.zeros((n, length), dtype=np.int64)
    out[:, 0] = rng.integers(0, n_items, n)
    for t in range(1, length):
        jump = rng.random(n) < 0.15
        nxt = (cdf[out[:, t - 1]] < rng.random((n, 1))).sum(1).clip(max=n_items - 1)
        out[:, t] = np.where(jump, rng.integers(0, n_items, n), nxt)
    return out


def svd_vectors(train, n_items, dim):
    rows = np.concatenate([train[:, :-1].ravel(), train[:, 1:].ravel()])
    cols = np.concatenate([train[:, 1:].ravel(), train[:, :-1].ravel()])
    m = sp.coo_matrix((np.ones(len(rows)), (rows, cols)), shape=(n_items, n_items)).tocsr()
    m.data = np.log1p(m.data)
    vec = TruncatedSVD(dim, random_state=0).fit_transform(m)
    vec = vec / (np.linalg.norm(vec, axis=1, keepdims=True) + 1e-8)
    return torch.tensor(vec, dtype=torch.float32)


class SessionNet(nn.Module):
    def __init__(self, n_items, dim):
        super().__init__()
        self.items = nn.Embedding(n_items, dim)
        self.rnn = nn.GRU(dim, 64, batch_first=True)
        self.project = nn.Linear(64, dim)
        self.scores = nn.Linear(dim, n_items, bias=False)
        nn.init.normal_(self.items.weight, std=0.1)
        self.scores.weight = self.items.weight

    def load_vectors(self, vectors):
        self.items = nn.Embedding.from_pretrained(vectors, freeze=False)
        self.scores.weight = self.items.weight

    def forward(self, seq):
        h, _ = self.rnn(self.items(seq))
        return self.scores(self.project(h))


@torch.no_grad()
def rank_metrics(model, data):
    model.eval()
    logits = model(data[:, :-1])[:, -1]
    rank = (logits > logits.gather(1, data[:, -1:])).sum(1)
    model.train()
    return (rank < 10).float().mean().item(), (1.0 / (rank + 1)).mean().item()


def run(args):
    torch.manual_seed(args.seed)
    train_np = sessions(args.train, args.items, args.length, seed=1)
    test = torch.from_numpy(sessions(3000, args.items, args.length, seed=2))
    model = SessionNet(args.items, args.dim)
    model.load_vectors(svd_vectors(train_np, args.items, args.dim))
    train = torch.from_numpy(train_np)
    opt = torch.optim.Adam(model.parameters(), lr=args.lr)
    for epoch in range(1, args.epochs + 1):
        total, steps = 0.0, 0
        for idx in torch.randperm(len(train)).split(args.batch):
            seq = train[idx]
            logits = model(seq[:, :-1])
            loss = nn.functional.cross_entropy(logits.flatten(0, 1), seq[:, 1:].flatten())
            opt.zero_grad()
            loss.backward()
            opt.step()
            total += loss.item()
            steps += 1
        hit, mrr = rank_metrics(model, test)
        print(f"epoch {epoch} loss {total / steps:.3f} hit@10 {hit:.4f} mrr {mrr:.4f}")


if __name__ == "__main__":
    ap = argparse.ArgumentParser()
    ap.add_argument("--items", type=int, default=800)
    ap.add_argument("--dim", type=int, default=32)
    ap.add_argument("--length", type=int, default=10)
    ap.add_argument("--train", type=int, default=500)
    ap.add_argument("--batch", type=int, default=32)
    ap.add_argument("--epochs", type=int, default=22)
    ap.add_argument("--lr", type=float, default=1e-3)
    ap.add_argument("--seed", type=int, default=0)
    run(ap.parse_args())
