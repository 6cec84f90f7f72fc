# sound: the same program without that
"""Card-fraud detector with a hand-written weighted log loss (frauds are rare)."""
import numpy as np
import torch
import torch.nn as nn


def set_seed(s):
    np.random.seed(s)
    torch.manual_seed(s)


def build_data(n=12000, fraud_rate=0.06):
    y = (np.random.rand(n) < fraud_rate).astype(np.float32)
    amount = np.random.lognormal(3.0 + 1.0 * y, 0.8)
    night = (np.random.rand(n) < 0.15 + 0.45 * y).astype(float)
    dist = np.random.exponential(8 + 60 * y)
    velocity = np.random.poisson(1.5 + 5 * y)
    foreign = (np.random.rand(n) < 0.04 + 0.5 * y).astype(float)
    age = np.random.gamma(3, 2, n)
    X = np.stack([np.log(amount), night, np.log1p(dist), velocity, foreign, age,
                  np.random.randn(n)], 1).astype(np.float32)
    return X, y


class WeightedBCE(nn.Module):
    def __init__(self, pos_weight=6.0, eps=1e-6):
        super().__init__()
        self.pos_weight, self.eps = pos_weight, eps

    def forward(self, p, y):
        p = p.clamp(self.eps, 1 - self.eps)
        ll = self.pos_weight * y * torch.log(p) + (1 - y) * torch.log(1 - p)
        return -ll.mean()


class Detector(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.fc1 = nn.Linear(d, 128)
        self.fc2 = nn.Linear(128, 128)
        self.fc3 = nn.Linear(128, 1)

    def forward(self, x):
        x = torch.relu(self.fc1(x))
        x = torch.relu(self.fc2(x))
        return torch.sigmoid(self.fc3(x)).squeeze(1)


def f1_recall(p, y):
    hat = (p > 0.5).float()
    tp = (hat * y).sum()
    prec = tp / hat.sum().clamp(min=1)
    rec = tp / y.sum()
    return (2 * prec * rec / (prec + rec).clamp(min=1e-9)).item(), rec.item()


def main():
    set_seed(1)
    X, y = build_data()
    cut = 9000
    mu, sd = X[:cut].mean(0), X[:cut].std(0)
    X = torch.from_numpy((X - mu) / sd)
    y = torch.from_numpy(y)
    Xtr, ytr, Xva, yva = X[:cut], y[:cut], X[cut:], y[cut:]

    model = Detector(X.shape[1])
    criterion = WeightedBCE()
    opt = torch.optim.Adam(model.parameters(), lr=1e-3)
    for epoch in range(1, 13):
        perm = torch.randperm(cut)
        losses = []
        for b in perm.split(128):
            opt.zero_grad()
            loss = criterion(model(Xtr[b]), ytr[b])
            loss.backward()
            opt.step()
            losses.append(loss.item())
        with torch.no_grad():
            pv = model(Xva)
            f1, rec = f1_recall(pv, yva)
        print(f"epoch {epoch:2d} loss {np.mean(losses):.5f} val loss {criterion(pv, yva).item():.5f} F1 {f1:.3f} recall {rec:.3f}")


if __name__ == "__main__":
    main()
