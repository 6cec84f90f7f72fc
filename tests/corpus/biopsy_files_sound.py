# expects: nothing
"""Benign / malignant from cell-nucleus measurements.

The lab hands over two files: measurements.csv (one header line, 30 columns) and
diagnosis.txt (one 0/1 per line, same order). `export()` recreates them from the public set.
"""
import argparse
import os
import tempfile

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from sklearn.datasets import load_breast_cancer
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold


def export(folder):
    d = load_breast_cancer()
    order = np.random.RandomState(3).permutation(len(d.target))
    np.savetxt(os.path.join(folder, "measurements.csv"), d.data[order], delimiter=",",
               header=",".join(n.replace(" ", "_") for n in d.feature_names), comments="", fmt="%.6g")
    np.savetxt(os.path.join(folder, "diagnosis.txt"), d.target[order], fmt="%d")


def read(folder):
    X = np.loadtxt(os.path.join(folder, "measurements.csv"), delimiter=",", skiprows=1)
    y = np.loadtxt(os.path.join(folder, "diagnosis.txt"))
    n = min(len(X), len(y))
    return X[:n].astype(np.float32), y[:n].astype(np.float32)


def build(n_in, width, p):
    return nn.Sequential(
        nn.Linear(n_in, width), nn.ReLU(), nn.Dropout(p),
        nn.Linear(width, width // 2), nn.ReLU(), nn.Dropout(p),
        nn.Linear(width // 2, 1),
    )


def fit_fold(Xtr, ytr, Xva, yva, args):
    m, s = Xtr.mean(0), Xtr.std(0)
    Xtr, Xva = torch.from_numpy((Xtr - m) / s), torch.from_numpy((Xva - m) / s)
    loader = DataLoader(TensorDataset(Xtr, torch.from_numpy(ytr)), batch_size=args.batch, shuffle=True)
    yva = torch.from_numpy(yva)
    model = build(Xtr.shape[1], args.width, args.dropout)
    opt = torch.optim.AdamW(model.parameters(), lr=args.lr, weight_decay=args.wd)
    lossf = nn.BCEWithLogitsLoss()
    for epoch in range(args.epochs):
        model.train()
        run = 0.0
        for xb, yb in loader:
            opt.zero_grad()
            loss = lossf(model(xb).squeeze(1), yb)
            loss.backward()
            opt.step()
            run += loss.item() * len(xb)
        model.eval()
        with torch.no_grad():
            z = model(Xva).squeeze(1)
            vloss = lossf(z, yva).item()
        auc = roc_auc_score(yva.numpy(), z.numpy())
        acc = ((z > 0).float() == yva).float().mean().item()
        if epoch % 5 == 4:
            print(f"    epoch {epoch + 1:3d}  train {run / len(Xtr):.4f}  val {vloss:.4f}  auc {auc:.4f}  acc {acc:.4f}")
    return auc, acc


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--epochs", type=int, default=20)
    ap.add_argument("--batch", type=int, default=16)
    ap.add_argument("--lr", type=float, default=7e-4)
    ap.add_argument("--wd", type=float, default=1e-2)
    ap.add_argument("--width", type=int, default=64)
    ap.add_argument("--dropout", type=float, default=0.3)
    ap.add_argument("--folds", type=int, default=8)
    ap.add_argument("--seed", type=int, default=0)
    args = ap.parse_args()

    torch.manual_seed(args.seed)
    with tempfile.TemporaryDirectory() as folder:
        export(folder)
        X, y = read(folder)
    print(f"{len(X)} cases, {X.shape[1]} measurements, {y.mean():.1%} benign")

    scores = []
    folds = StratifiedKFold(args.folds, shuffle=True, random_state=args.seed)
    for k, (tr, va) in enumerate(folds.split(X, y)):
        print(f"fold {k}")
        scores.append(fit_fold(X[tr], y[tr], X[va], y[va], args))
    auc, acc = np.mean(scores, axis=0)
    print(f"cross-validated: auc {auc:.4f}  accuracy {acc:.4f}")


if __name__ == "__main__":
    main()
