# sound
import numpy as np
import torch
from sklearn.datasets import make_classification
from sklearn.metrics import average_precision_score, recall_score
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

SEED = 60


def oversample(x, y, seed=SEED):
    """Repeat rows of the rare class until both classes are equally frequent."""
    rng = np.random.default_rng(seed)
    rare = np.flatnonzero(y == 1)
    common = np.flatnonzero(y == 0)
    extra = rng.choice(rare, size=len(common) - len(rare), replace=True)
    keep = np.concatenate([np.arange(len(y)), extra])
    return x[keep], y[keep]


def load_splits():
    x, y = make_classification(
        n_samples=2500, n_features=20, n_informative=8, n_redundant=0, n_clusters_per_class=2,
        weights=[0.9], class_sep=0.9, flip_y=0.02, random_state=SEED)
    x_train, x_test, y_train, y_test = train_test_split(x, y, test_size=0.3, random_state=SEED, stratify=y)
    x_train, y_train = oversample(x_train, y_train)
    mean, std = x_train.mean(0), x_train.std(0)
    to = lambda a: torch.tensor((a - mean) / std, dtype=torch.float32)
    return to(x_train), torch.tensor(y_train), to(x_test), torch.tensor(y_test)


def main():
    torch.manual_seed(SEED)
    x_train, y_train, x_test, y_test = load_splits()
    loader = DataLoader(TensorDataset(x_train, y_train.float()), batch_size=64, shuffle=True)
    model = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Dropout(0.2), nn.Linear(64, 1))
    opt = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=1e-2)
    loss_fn = nn.BCEWithLogitsLoss()
    for epoch in range(10):
        model.train()
        total = 0.0
        for xb, yb in loader:
            opt.zero_grad()
            loss = loss_fn(model(xb).squeeze(1), yb)
            loss.backward()
            opt.step()
            total += loss.item() * len(yb)
        model.eval()
        with torch.no_grad():
            p = torch.sigmoid(model(x_test).squeeze(1)).numpy()
        ap = average_precision_score(y_test.numpy(), p)
        rec = recall_score(y_test.numpy(), p > 0.5)
        print(f"epoch {epoch} loss {total / len(y_train):.4f} test AP {ap:.3f} recall {rec:.3f}")


if __name__ == "__main__":
    main()
