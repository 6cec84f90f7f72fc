# expects: nothing
"""Accident-prone road segments: two-layer graph convolution on the segment graph of a made-up town."""
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

SEED = 17
FEATURES = ["daily_traffic", "length_m", "speed_limit_kmh", "lanes", "curvature_per_m", "wet_share"]


def town(n, rng):
    xy = rng.uniform(0, 1, (n, 2))
    d = ((xy[:, None] - xy[None]) ** 2).sum(-1)
    np.fill_diagonal(d, np.inf)
    A = np.zeros((n, n))
    nn_idx = np.argsort(d, axis=1)[:, :4]
    A[np.repeat(np.arange(n), 4), nn_idx.ravel()] = 1
    A = np.maximum(A, A.T)

    field = np.sin(4 * xy[:, 0]) + np.cos(5 * xy[:, 1])      # town centre vs. outskirts
    traffic = np.exp(8.5 + 0.6 * field + rng.normal(0, 0.6, n))
    length = rng.gamma(3, 120, n) + 30
    speed = rng.choice([30, 50, 70, 100], n, p=[0.35, 0.4, 0.15, 0.1]).astype(float)
    lanes = rng.choice([1, 2, 3, 4], n, p=[0.3, 0.5, 0.1, 0.1]).astype(float)
    curv = rng.gamma(2.0, 0.004, n)
    wet = np.clip(0.25 + 0.08 * np.sin(6 * xy[:, 1]) + rng.normal(0, 0.08, n), 0, 1)
    X = np.stack([traffic, length, speed, lanes, curv, wet], 1)

    z = lambda v: (v - v.mean()) / v.std()
    own = 0.5 * z(np.log(traffic)) + 1.1 * z(curv) + 0.9 * z(wet) + 0.3 * z(speed) * z(curv) - 0.5 * z(lanes)
    around = A @ own / A.sum(1)
    score = own + 1.2 * around + rng.normal(0, 0.5, n)
    return A, X, (score > np.quantile(score, 0.6)).astype(np.int64)


def normalise_adjacency(A):
    A = A + np.eye(len(A))
    d = A.sum(1) ** -0.5
    return torch.tensor(d[:, None] * A * d[None], dtype=torch.float32)


class GraphConv(nn.Module):
    def __init__(self, i, o):
        super().__init__()
        self.self_lin = nn.Linear(i, o)
        self.nb_lin = nn.Linear(i, o, bias=False)

    def forward(self, H, S):
        return self.self_lin(H) + S @ self.nb_lin(H)


class RoadGNN(nn.Module):
    def __init__(self, n_feat, hidden=32, p=0.3):
        super().__init__()
        self.c1, self.c2 = GraphConv(n_feat, hidden), GraphConv(hidden, hidden)
        self.head = nn.Linear(hidden, 2)
        self.p = p

    def forward(self, X, S):
        H = F.dropout(F.relu(self.c1(X, S)), self.p, self.training)
        H = F.dropout(F.relu(self.c2(H, S)), self.p, self.training)
        return self.head(H)


def balanced_accuracy(pred, y):
    return float(np.mean([(pred[y == c] == c).float().mean().item() for c in (0, 1)]))


def main():
    rng = np.random.default_rng(SEED)
    torch.manual_seed(SEED)
    A, X, y = town(3000, rng)
    S = normalise_adjacency(A)
    order = rng.permutation(len(y))
    train, val, test = (torch.as_tensor(o) for o in np.split(order, [1800, 2400]))

    mu, sd = X[train.numpy()].mean(0), X[train.numpy()].std(0)
    for name, m, s in zip(FEATURES, mu, sd):
        print(f"  {name:18s} mean {m:10.4f}  sd {s:10.4f}")
    X = torch.tensor((X - mu) / sd, dtype=torch.float32)
    y = torch.from_numpy(y)

    model = RoadGNN(X.shape[1])
    opt = torch.optim.Adam(model.parameters(), lr=5e-3, weight_decay=5e-4)
    for epoch in range(1, 151):
        model.train()
        loss = F.cross_entropy(model(X, S)[train], y[train])
        opt.zero_grad()
        loss.backward()
        opt.step()
        if epoch % 15 == 0:
            model.eval()
            with torch.no_grad():
                out = model(X, S)
            print(f"epoch {epoch:3d}  loss {loss.item():.4f}  val loss {F.cross_entropy(out[val], y[val]).item():.4f}"
                  f"  val bal.acc {balanced_accuracy(out[val].argmax(1), y[val]):.3f}")
    print(f"test bal.acc {balanced_accuracy(out[test].argmax(1), y[test]):.3f}")


if __name__ == "__main__":
    main()
