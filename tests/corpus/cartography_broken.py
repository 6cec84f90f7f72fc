# bug: item() for each row in each step
# expects: PRF002
"""Dataset cartography on a tabular set with doubtful labels: follow each training row's confidence over the epochs,
and list the rows that the model keeps disagreeing with."""
import time
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset
from sklearn.datasets import make_classification
from sklearn.preprocessing import StandardScaler


class Rows(Dataset):
    def __init__(self, X, y):
        self.X = torch.as_tensor(X, dtype=torch.float32)
        self.y = torch.as_tensor(y)

    def __len__(self):
        return len(self.y)

    def __getitems__(self, ids):
        ids = torch.as_tensor(ids)
        return self.X[ids], self.y[ids], ids


class Dynamics:
    """confidence in the given label, loss and correctness, per row and epoch"""

    def __init__(self, n_rows, epochs):
        self.rows = [[] for _ in range(n_rows)]

    def record(self, epoch, ids, logits, losses, y):
        probs = logits.softmax(1)
        for b in range(len(ids)):
            self.rows[ids[b].item()].append({
                "epoch": epoch,
                "conf": probs[b, y[b]].item(),
                "loss": losses[b].item(),
                "hit": logits[b].argmax().item() == y[b].item(),
            })

    def mean_confidence(self):
        return np.array([np.mean([r["conf"] for r in row]) for row in self.rows])

    def epoch_summary(self, epoch):
        last = [row[epoch] for row in self.rows]
        return float(np.mean([r["loss"] for r in last])), float(np.mean([r["hit"] for r in last]))


def make_data(seed):
    X, y = make_classification(12000, 24, n_informative=14, n_redundant=4, n_classes=4, n_clusters_per_class=2,
                               class_sep=1.6, flip_y=0.0, random_state=seed)
    cut = 10000
    sc = StandardScaler().fit(X[:cut])
    X = sc.transform(X)
    g = np.random.default_rng(seed)
    given = y.copy()
    bad = g.random(len(y)) < 0.06
    bad[cut:] = False
    given[bad] = (y[bad] + g.integers(1, 4, bad.sum())) % 4
    return (X[:cut], given[:cut], bad[:cut]), (X[cut:], y[cut:])


def main(epochs=45, batch=250, seed=8):
    torch.manual_seed(seed)
    (Xtr, ytr, bad), (Xva, yva) = make_data(seed)
    loader = DataLoader(Rows(Xtr, ytr), batch_size=batch, shuffle=True, collate_fn=lambda b: b)
    Xva, yva = torch.as_tensor(Xva, dtype=torch.float32), torch.as_tensor(yva)
    net = nn.Sequential(nn.Linear(24, 64), nn.ReLU(), nn.Dropout(0.2), nn.Linear(64, 64), nn.ReLU(), nn.Dropout(0.2),
                        nn.Linear(64, 4))
    opt = torch.optim.Adam(net.parameters(), lr=1e-3, weight_decay=1e-5)
    criterion = nn.CrossEntropyLoss(reduction="none")
    track = Dynamics(len(ytr), epochs)
    t0 = time.time()
    for ep in range(epochs):
        net.train()
        for x, y, ids in loader:
            logits = net(x)
            losses = criterion(logits, y)
            opt.zero_grad()
            losses.mean().backward()
            opt.step()
            track.record(ep, ids, logits.detach(), losses.detach(), y)
        loss, acc = track.epoch_summary(ep)
        net.eval()
        with torch.no_grad():
            vacc = (net(Xva).argmax(1) == yva).float().mean().item()
        if ep % 3 == 2:
            print(f"epoch {ep + 1:2d} loss {loss:.4f} train acc {acc:.3f} valid acc {vacc:.3f}  [{time.time() - t0:.1f}s]")
    suspects = np.argsort(track.mean_confidence())[:bad.sum()]
    print(f"training took {time.time() - t0:.1f}s; {bad[suspects].mean():.2%} of the {len(suspects)} lowest rows "
          f"were in fact mislabelled (base rate {bad.mean():.2%})")


if __name__ == "__main__":
    main()
