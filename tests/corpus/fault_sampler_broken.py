# bug: WeightedRandomSampler gets the 4 per-class weights instead of one weight per sample, so only rows 0-3 are ever drawn (build_loaders)
# expects: LOS005
"""Fault diagnosis from sensor features with an unequal class distribution."""
import argparse

import torch
import torch.nn as nn
from sklearn.datasets import make_classification
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch.utils.data import DataLoader, TensorDataset, WeightedRandomSampler


def parse_args():
    p = argparse.ArgumentParser()
    p.add_argument("--epochs", type=int, default=12)
    p.add_argument("--batch-size", type=int, default=64)
    p.add_argument("--lr", type=float, default=1e-3)
    p.add_argument("--seed", type=int, default=7)
    return p.parse_args()


def build_loaders(args):
    x, y = make_classification(
        n_samples=3000, n_features=20, n_informative=10, n_redundant=2, n_classes=4,
        n_clusters_per_class=1, weights=[0.7, 0.15, 0.1, 0.05], class_sep=1.6,
        flip_y=0.0, random_state=args.seed)
    x_tr, x_va, y_tr, y_va = train_test_split(
        x, y, test_size=0.25, stratify=y, random_state=args.seed)
    scaler = StandardScaler().fit(x_tr)
    x_tr = torch.tensor(scaler.transform(x_tr), dtype=torch.float32)
    x_va = torch.tensor(scaler.transform(x_va), dtype=torch.float32)
    y_tr, y_va = torch.tensor(y_tr), torch.tensor(y_va)

    counts = torch.bincount(y_tr, minlength=4)
    class_weights = 1.0 / counts.double()
    sampler = WeightedRandomSampler(class_weights, num_samples=len(y_tr), replacement=True)
    train = DataLoader(TensorDataset(x_tr, y_tr), batch_size=args.batch_size, sampler=sampler)
    val = DataLoader(TensorDataset(x_va, y_va), batch_size=256)
    return train, val


def evaluate(model, loader):
    model.eval()
    preds, labels = [], []
    with torch.no_grad():
        for xb, yb in loader:
            preds.append(model(xb).argmax(1))
            labels.append(yb)
    return balanced_accuracy_score(torch.cat(labels).numpy(), torch.cat(preds).numpy())


def main():
    args = parse_args()
    torch.manual_seed(args.seed)
    train, val = build_loaders(args)
    model = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 4))
    opt = torch.optim.AdamW(model.parameters(), lr=args.lr, weight_decay=1e-2)
    criterion = nn.CrossEntropyLoss()
    for epoch in range(args.epochs):
        model.train()
        total, n = 0.0, 0
        for xb, yb in train:
            opt.zero_grad()
            loss = criterion(model(xb), yb)
            loss.backward()
            opt.step()
            total += loss.item() * len(xb)
            n += len(xb)
        print(f"[{epoch:02d}] loss={total / n:.4f} balanced_acc={evaluate(model, val):.3f}")


if __name__ == "__main__":
    main()
