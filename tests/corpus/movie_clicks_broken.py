# bug: FieldIndexer offsets are the field sizes, not their cumulative sum, so users and movies share embedding rows
# expects: DAT059
import argparse

import numpy as np
import torch
import torch.nn as nn
from sklearn.metrics import log_loss, roc_auc_score
from torch.utils.data import DataLoader, TensorDataset


def get_args():
    p = argparse.ArgumentParser(description="factorization machine for click prediction")
    p.add_argument("--dim", type=int, default=8)
    p.add_argument("--lr", type=float, default=0.01)
    p.add_argument("--wd", type=float, default=3e-5)
    p.add_argument("--epochs", type=int, default=10)
    p.add_argument("--batch-size", type=int, default=512)
    p.add_argument("--seed", type=int, default=2024)
    return p.parse_args()


FIELDS = {"movie": 160, "genre": 12, "user": 200, "hour": 24}


def load_log(n, seed):
    rng = np.random.default_rng(seed)
    genre_of = rng.integers(0, FIELDS["genre"], FIELDS["movie"])
    taste = rng.normal(size=(FIELDS["user"], 4))
    style = rng.normal(size=(FIELDS["movie"], 4))
    popularity = rng.normal(scale=0.7, size=FIELDS["movie"])
    activity = rng.normal(scale=0.5, size=FIELDS["user"])
    hour_effect = 0.4 * np.sin(np.arange(24) / 24 * 2 * np.pi)
    movie = rng.integers(0, FIELDS["movie"], n)
    user = rng.integers(0, FIELDS["user"], n)
    hour = rng.integers(0, 24, n)
    logit = (popularity[movie] + activity[user] + hour_effect[hour]
             + 1.2 * (taste[user] * style[movie]).sum(1) - 0.3)
    click = (rng.random(n) < 1 / (1 + np.exp(-logit))).astype(np.float32)
    x = np.stack([movie, genre_of[movie], user, hour], axis=1)
    return torch.from_numpy(x), torch.from_numpy(click)


class FieldIndexer(nn.Module):
    """Maps per-field ids into one shared table."""

    def __init__(self, field_dims):
        super().__init__()
        starts = np.concatenate([[0], field_dims[:-1]])
        self.register_buffer("starts", torch.tensor(starts, dtype=torch.long))

    def forward(self, x):
        return x + self.starts


class FactorizationMachine(nn.Module):
    def __init__(self, field_dims, dim):
        super().__init__()
        self.index = FieldIndexer(field_dims)
        self.linear = nn.Embedding(sum(field_dims), 1)
        self.factors = nn.Embedding(sum(field_dims), dim)
        self.bias = nn.Parameter(torch.zeros(()))
        nn.init.zeros_(self.linear.weight)
        nn.init.normal_(self.factors.weight, std=0.1)

    def forward(self, x):
        rows = self.index(x)
        v = self.factors(rows)
        pair = 0.5 * (v.sum(1).pow(2) - v.pow(2).sum(1)).sum(1)
        return self.bias + self.linear(rows).sum(dim=(1, 2)) + pair


def predict(model, loader):
    model.eval()
    scores, labels = [], []
    with torch.no_grad():
        for x, y in loader:
            scores.append(torch.sigmoid(model(x)))
            labels.append(y)
    return torch.cat(labels).numpy(), torch.cat(scores).numpy()


def main():
    args = get_args()
    torch.manual_seed(args.seed)
    x, y = load_log(40000, args.seed)
    n_tr, n_va = 30000, 4000
    train_set = TensorDataset(x[:n_tr], y[:n_tr])
    val_set = TensorDataset(x[n_tr:n_tr + n_va], y[n_tr:n_tr + n_va])
    test_set = TensorDataset(x[n_tr + n_va:], y[n_tr + n_va:])
    train = DataLoader(train_set, batch_size=args.batch_size, shuffle=True)
    val = DataLoader(val_set, batch_size=2048)
    test = DataLoader(test_set, batch_size=2048)

    model = FactorizationMachine(list(FIELDS.values()), args.dim)
    opt = torch.optim.Adam(model.parameters(), lr=args.lr, weight_decay=args.wd)
    criterion = nn.BCEWithLogitsLoss()
    for epoch in range(args.epochs):
        model.train()
        losses = []
        for xb, yb in train:
            loss = criterion(model(xb), yb)
            opt.zero_grad()
            loss.backward()
            opt.step()
            losses.append(loss.item())
        t, s = predict(model, val)
        print(f"epoch {epoch + 1:2d} loss {np.mean(losses):.4f} "
              f"val logloss {log_loss(t, s):.4f} auc {roc_auc_score(t, s):.4f}")
    t, s = predict(model, test)
    print(f"TEST logloss {log_loss(t, s):.4f} auc {roc_auc_score(t, s):.4f}")


if __name__ == "__main__":
    main()
