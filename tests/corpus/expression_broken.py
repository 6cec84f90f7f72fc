# expects: no-rule-yet
"""Predicts treatment response from expression profiles: screen probes, then a small network, repeated over random splits."""
import argparse

import numpy as np
import torch
from torch import nn


def simulate_cohort(n, n_probes, n_active, seed):
    g = np.random.default_rng(seed)
    pathway = g.standard_normal((n, 30))
    loadings = g.standard_normal((30, n_probes)) * 0.08
    X = pathway @ loadings + g.standard_normal((n, n_probes))
    X = X * g.uniform(0.5, 2.0, n_probes) + g.uniform(4, 9, n_probes)
    active = g.choice(n_probes, n_active, replace=False)
    z = (X[:, active] - X[:, active].mean(0)) / X[:, active].std(0)
    logit = z @ (g.choice([-1, 1], n_active) * g.uniform(0.7, 1.3, n_active))
    y = (g.random(n) < 1 / (1 + np.exp(-1.6 * logit / logit.std() * 1.5))).astype(np.float32)
    return X.astype(np.float32), y


class Screen:
    """Keeps the k probes that correlate best with the response and standardises them."""

    def __init__(self, k):
        self.k = k

    def fit(self, X, y):
        self.mean, self.std = X.mean(0), X.std(0)
        z = (X - self.mean) / self.std
        r = (z * (y - y.mean())[:, None]).mean(0) / y.std()
        self.keep = np.argsort(-np.abs(r))[: self.k]
        return self

    def apply(self, X):
        z = (X - self.mean) / self.std
        return torch.from_numpy(z[:, self.keep].astype(np.float32))


def build(k):
    return nn.Sequential(nn.Linear(k, 16), nn.ReLU(), nn.Dropout(0.4), nn.Linear(16, 1))


def fit_network(model, X, y, args):
    opt = torch.optim.AdamW(model.parameters(), lr=args.lr, weight_decay=0.3)
    loss_fn = nn.BCEWithLogitsLoss()
    model.train()
    for epoch in range(args.epochs):
        total = 0.0
        for idx in torch.randperm(len(X)).split(32):
            loss = loss_fn(model(X[idx]).squeeze(1), y[idx])
            opt.zero_grad()
            loss.backward()
            opt.step()
            total += loss.item() * len(idx)
    return total / len(X)


@torch.no_grad()
def accuracy(model, X, y):
    model.eval()
    return ((model(X).squeeze(1) > 0).float() == y).float().mean().item()


def run_split(X, y, split_seed, args):
    order = np.random.default_rng(split_seed).permutation(len(X))
    cut = int(0.65 * len(X))
    tr, te = order[:cut], order[cut:]
    screen = Screen(args.k).fit(X, y)
    Z, t = screen.apply(X), torch.from_numpy(y)
    torch.manual_seed(split_seed)
    model = build(args.k)
    loss = fit_network(model, Z[tr], t[tr], args)
    return loss, accuracy(model, Z[tr], t[tr]), accuracy(model, Z[te], t[te])


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--patients", type=int, default=800)
    ap.add_argument("--probes", type=int, default=6000)
    ap.add_argument("--k", type=int, default=16)
    ap.add_argument("--epochs", type=int, default=10)
    ap.add_argument("--lr", type=float, default=3e-3)
    ap.add_argument("--splits", type=int, default=30)
    args = ap.parse_args()

    X, y = simulate_cohort(args.patients, args.probes, 4, seed=2)
    print(f"{len(X)} patients, {X.shape[1]} probes, {y.mean():.0%} responders")
    scores = []
    for s in range(args.splits):
        loss, train_acc, test_acc = run_split(X, y, s, args)
        scores.append(test_acc)
        print(f"split {s}: train loss {loss:.3f}  train acc {train_acc:.3f}  test acc {test_acc:.3f}")
    print(f"test accuracy {np.mean(scores):.3f} +- {np.std(scores):.3f}")


if __name__ == "__main__":
    main()
