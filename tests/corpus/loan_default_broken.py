# bug: Tabular features have wildly different scales (one column in the thousands and more), unscaled.
# expects: DAT002 DAT021
"""Loan default prediction on a bank's application table."""
import argparse

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

COLUMNS = ["annual_income", "loan_amount", "age", "utilisation", "late_payments", "rate_pct", "owns_home"]


def make_applications(n, rng):
    income = np.exp(rng.normal(10.8, 0.45, n))
    loan = np.exp(rng.normal(9.5, 0.6, n))
    age = rng.uniform(20, 70, n)
    util = rng.beta(2, 3, n)
    late = rng.poisson(0.7, n).astype(float)
    rate = rng.uniform(3, 18, n)
    home = (rng.random(n) < 0.4).astype(float)
    score = (
        5.0 * (util - 0.4) + 1.1 * (late - 0.7) * (1.3 - home) + 0.15 * (rate - 10)
        + 0.9 * (np.log(loan) - np.log(income) + 1.3) + 0.0025 * (age - 45) ** 2 - 0.5
    )
    y = (rng.random(n) < 1 / (1 + np.exp(-1.8 * score))).astype(np.float32)
    X = np.stack([income, loan, age, util, late, rate, home], 1).astype(np.float32)
    return X, y


def build(n_in, width):
    return nn.Sequential(
        nn.Linear(n_in, width), nn.ReLU(),
        nn.Linear(width, width), nn.ReLU(),
        nn.Linear(width, 1),
    )


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--epochs", type=int, default=9)
    ap.add_argument("--lr", type=float, default=1e-3)
    ap.add_argument("--batch-size", type=int, default=128)
    ap.add_argument("--width", type=int, default=48)
    ap.add_argument("--seed", type=int, default=5)
    args = ap.parse_args()
    torch.manual_seed(args.seed)
    rng = np.random.default_rng(args.seed)

    X, y = make_applications(9000, rng)
    X_tr, X_va, y_tr, y_va = train_test_split(X, y, test_size=0.2, random_state=0, stratify=y)
    train = TensorDataset(torch.as_tensor(X_tr), torch.as_tensor(y_tr))
    loader = DataLoader(train, batch_size=args.batch_size, shuffle=True)
    X_va, y_va = torch.as_tensor(X_va), torch.as_tensor(y_va)

    model = build(len(COLUMNS), args.width)
    opt = torch.optim.Adam(model.parameters(), lr=args.lr)
    criterion = nn.BCEWithLogitsLoss()
    for epoch in range(args.epochs):
        model.train()
        total = 0.0
        for xb, yb in loader:
            opt.zero_grad()
            loss = criterion(model(xb).squeeze(1), yb)
            loss.backward()
            opt.step()
            total += loss.item() * len(xb)
        model.eval()
        with torch.no_grad():
            logit = model(X_va).squeeze(1)
            vloss = criterion(logit, y_va).item()
            acc = ((logit > 0).float() == y_va).float().mean().item()
        auc = roc_auc_score(y_va.numpy(), logit.numpy())
        print(f"epoch {epoch:2d} train {total / len(train):.4f} val {vloss:.4f} acc {acc:.3f} auc {auc:.3f}")


if __name__ == "__main__":
    main()
