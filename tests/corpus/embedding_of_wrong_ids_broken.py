# bug: the item embedding is looked up with the user ids (copy and paste), so the items play no part
# expects: MOD041
"""Neural collaborative filtering on implicit feedback (clicked or not)."""
import argparse

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def interactions(n_users, n_items, n, seed):
    rng = np.random.default_rng(seed)
    taste, genre = rng.integers(0, 4, n_users), rng.integers(0, 4, n_items)
    users, items = rng.integers(0, n_users, n), rng.integers(0, n_items, n)
    p = np.where(taste[users] == genre[items], 0.9, 0.1)
    clicked = rng.random(n) < p
    return torch.tensor(users), torch.tensor(items), torch.tensor(clicked, dtype=torch.float32)


class NCF(nn.Module):
    def __init__(self, n_users, n_items, dim):
        super().__init__()
        self.user_embedding = nn.Embedding(n_users, dim)
        self.item_embedding = nn.Embedding(n_items, dim)
        self.tower = nn.Sequential(
            nn.Linear(2 * dim, 32), nn.ReLU(),
            nn.Linear(32, 16), nn.ReLU(),
        )
        self.gmf = nn.Linear(dim, 16)
        self.score = nn.Linear(32, 1)

    def forward(self, user_ids, item_ids):
        u = self.user_embedding(user_ids)
        i = self.item_embedding(user_ids)
        deep = self.tower(torch.cat([u, i], dim=-1))
        wide = self.gmf(u * i)
        return self.score(torch.cat([deep, wide], dim=-1)).squeeze(-1)


def auc(scores, labels):
    order = scores.argsort()
    ranks = torch.empty(len(scores))
    ranks[order] = torch.arange(1, len(scores) + 1, dtype=torch.float32)
    pos = labels.sum()
    neg = len(labels) - pos
    return ((ranks[labels == 1].sum() - pos * (pos + 1) / 2) / (pos * neg)).item()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--users", type=int, default=60)
    parser.add_argument("--items", type=int, default=60)
    parser.add_argument("--dim", type=int, default=12)
    parser.add_argument("--epochs", type=int, default=8)
    args = parser.parse_args()
    torch.manual_seed(0)
    u, i, c = interactions(args.users, args.items, 6000, seed=1)
    cut = 4800
    loader = DataLoader(TensorDataset(u[:cut], i[:cut], c[:cut]), batch_size=96, shuffle=True)
    model = NCF(args.users, args.items, args.dim)
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    loss_fn = nn.BCEWithLogitsLoss()
    for epoch in range(args.epochs):
        model.train()
        total = 0.0
        for ub, ib, cb in loader:
            loss = loss_fn(model(ub, ib), cb)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(cb)
        model.eval()
        with torch.no_grad():
            score = auc(model(u[cut:], i[cut:]), c[cut:])
        print(f"epoch {epoch}: loss {total / cut:.4f} test AUC {score:.4f}")


if __name__ == "__main__":
    main()
