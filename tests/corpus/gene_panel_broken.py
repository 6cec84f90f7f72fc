# bug: Training runs in eval mode (model.eval() left on after validation), with dropout or batch norm in the model.
# expects: MOD006
import numpy as np
import torch
from sklearn.datasets import make_classification
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def load(seed=5):
    """Gene-expression-like table: few patients, many probes, some wrong diagnoses."""
    X, y = make_classification(n_samples=2600, n_features=120, n_informative=14, n_redundant=20, n_classes=4,
                               n_clusters_per_class=1, class_sep=1.6, flip_y=0.0, random_state=seed)
    Xa, Xb, ya, yb = train_test_split(X, y, train_size=600, stratify=y, random_state=seed)
    rng = np.random.RandomState(seed)
    wrong = rng.rand(len(ya)) < 0.25
    ya = np.where(wrong, rng.randint(0, 4, len(ya)), ya)
    # probes are on very different scales
    sc = StandardScaler().fit(Xa)
    Xa, Xb = sc.transform(Xa) * 4 + 2, sc.transform(Xb) * 4 + 2
    t = lambda a, d: torch.as_tensor(a, dtype=d)
    return (TensorDataset(t(Xa, torch.float32), t(ya, torch.long)),
            TensorDataset(t(Xb, torch.float32), t(yb, torch.long)))


class Trainer:
    def __init__(self, model, train_ds, val_ds, lr=1e-3, batch_size=32):
        self.model = model
        self.train_loader = DataLoader(train_ds, batch_size, shuffle=True, drop_last=True)
        self.val_loader = DataLoader(val_ds, 500)
        self.opt = torch.optim.Adam(model.parameters(), lr=lr)
        self.loss_fn = nn.CrossEntropyLoss()
        self.best = 0.0

    def validate(self):
        self.model.eval()
        losses, hits, n = [], 0, 0
        with torch.no_grad():
            for x, y in self.val_loader:
                out = self.model(x)
                losses.append(self.loss_fn(out, y).item())
                hits += (out.argmax(1) == y).sum().item()
                n += len(y)
        return sum(losses) / len(losses), hits / n

    def train_epoch(self):
        running, hits, n = 0.0, 0, 0
        for x, y in self.train_loader:
            self.opt.zero_grad()
            out = self.model(x)
            loss = self.loss_fn(out, y)
            loss.backward()
            self.opt.step()
            running += loss.item()
            hits += (out.argmax(1) == y).sum().item()
            n += len(y)
        return running / len(self.train_loader), hits / n

    def fit(self, epochs):
        vl, va = self.validate()
        print(f"before training: val loss {vl:.3f} acc {va:.3f}")
        for e in range(1, epochs + 1):
            tl, ta = self.train_epoch()
            vl, va = self.validate()
            self.best = max(self.best, va)
            if e % 5 == 0:
                print(f"[{e:02d}] train {tl:.3f}/{ta:.3f}  val {vl:.3f}/{va:.3f}  best {self.best:.3f}")


if __name__ == "__main__":
    torch.manual_seed(0)
    train_ds, val_ds = load()
    net = nn.Sequential(
        nn.Dropout(0.2),
        nn.Linear(120, 256), nn.BatchNorm1d(256), nn.ReLU(), nn.Dropout(0.5),
        nn.Linear(256, 128), nn.BatchNorm1d(128), nn.ReLU(), nn.Dropout(0.5),
        nn.Linear(128, 4),
    )
    Trainer(net, train_ds, val_ds).fit(40)
