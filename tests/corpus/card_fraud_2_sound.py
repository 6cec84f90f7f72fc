# expects: nothing
"""Card fraud: a net on transaction features. About one transaction in fifty is fraud."""
import numpy as np
import torch
from sklearn.datasets import make_classification
from sklearn.metrics import balanced_accuracy_score, recall_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch import nn, optim

SEED = 77


def load_transactions():
    X, y = make_classification(
        n_samples=14000, n_features=18, n_informative=7, n_redundant=3, n_clusters_per_class=2,
        weights=[0.982], class_sep=0.8, flip_y=0.0, random_state=SEED,
    )
    X_train, X_valid, y_train, y_valid = train_test_split(X, y, test_size=0.3, stratify=y, random_state=SEED)
    scaler = StandardScaler().fit(X_train)
    as_x = lambda a: torch.tensor(scaler.transform(a), dtype=torch.float32)
    as_y = lambda a: torch.tensor(a, dtype=torch.float32)
    return as_x(X_train), as_y(y_train), as_x(X_valid), as_y(y_valid)


def make_net(n_features):
    return nn.Sequential(
        nn.Linear(n_features, 32), nn.BatchNorm1d(32), nn.LeakyReLU(0.1), nn.Dropout(0.25),
        nn.Linear(32, 16), nn.BatchNorm1d(16), nn.LeakyReLU(0.1), nn.Dropout(0.25),
        nn.Linear(16, 1),
    )


def run_epoch(net, X, y, loss_fn, optimizer, batch_size=128):
    net.train()
    total = 0.0
    batches = torch.randperm(len(X)).split(batch_size)
    for rows in batches:
        optimizer.zero_grad()
        loss = loss_fn(net(X[rows]).squeeze(1), y[rows])
        loss.backward()
        optimizer.step()
        total += loss.item()
    return total / len(batches)


@torch.no_grad()
def predict(net, X):
    net.eval()
    return torch.sigmoid(net(X).squeeze(1))


def main():
    np.random.seed(SEED)
    torch.manual_seed(SEED)
    X_train, y_train, X_valid, y_valid = load_transactions()
    net = make_net(X_train.shape[1])
    frauds = y_train.sum()
    loss_fn = nn.BCEWithLogitsLoss(pos_weight=(len(y_train) - frauds) / frauds)
    optimizer = optim.AdamW(net.parameters(), lr=1e-3, weight_decay=1e-2)
    scheduler = optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=15)
    for epoch in range(15):
        loss = run_epoch(net, X_train, y_train, loss_fn, optimizer)
        scheduler.step()
        flagged = (predict(net, X_valid) > 0.5).int()
        acc = balanced_accuracy_score(y_valid.int(), flagged)
        found = recall_score(y_valid.int(), flagged)
        print(f"epoch {epoch + 1:2d}  train loss {loss:.4f}  valid balanced accuracy {acc:.4f}  frauds found {found:.3f}")
    print(f"final validation balanced accuracy: {acc:.4f}")


if __name__ == "__main__":
    main()
