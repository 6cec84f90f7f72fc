# expects: nothing
"""Multiple-instance learning: does a bag of scanned numerals hold a nine?

Attention pooling in the manner of Ilse et al. (2018), with mini-batches of bags.
"""
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.metrics import roc_auc_score

TARGET = 9
BAG = 12


def make_bags(images, labels, n, rng):
    pos_pool = np.flatnonzero(labels == TARGET)
    neg_pool = np.flatnonzero(labels != TARGET)
    bags = np.empty((n, BAG, 64), np.float32)
    y = rng.integers(0, 2, n)
    for i in range(n):
        k = rng.integers(1, 3) if y[i] else 0
        pick = np.concatenate([rng.choice(pos_pool, k), rng.choice(neg_pool, BAG - k)])
        bags[i] = images[rng.permutation(pick)]
    return torch.from_numpy(bags), torch.from_numpy(y.astype(np.float32))


class GatedAttention(nn.Module):
    def __init__(self, dim, hidden):
        super().__init__()
        self.V = nn.Linear(dim, hidden)
        self.U = nn.Linear(dim, hidden)
        self.w = nn.Linear(hidden, 1)

    def forward(self, h):
        A = self.w(torch.tanh(self.V(h)) * torch.sigmoid(self.U(h)))
        A = F.softmax(A, dim=1)
        return (A * h).sum(dim=1), A.squeeze(-1)


class BagClassifier(nn.Module):
    def __init__(self, dim=48):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Dropout(0.3), nn.Linear(64, dim), nn.ReLU())
        self.pool = GatedAttention(dim, 32)
        self.head = nn.Linear(dim, 1)

    def forward(self, bags):
        z, att = self.pool(self.encoder(bags))
        return self.head(z).squeeze(-1), att


def train_epoch(model, opt, bags, y, batch=32):
    model.train()
    total = 0.0
    for idx in torch.randperm(len(y)).split(batch):
        scans = bags[idx] + 0.3 * torch.randn(len(idx), BAG, 64)
        logit, _ = model(scans)
        loss = F.binary_cross_entropy_with_logits(logit, y[idx])
        opt.zero_grad()
        loss.backward()
        opt.step()
        total += loss.item() * len(idx)
    return total / len(y)


@torch.no_grad()
def evaluate(model, bags, y):
    model.eval()
    logit = torch.cat([model(bag[None])[0] for bag in bags])
    loss = F.binary_cross_entropy_with_logits(logit, y).item()
    return loss, ((logit > 0).float() == y).float().mean().item(), roc_auc_score(y.numpy(), logit.numpy())


def main():
    torch.manual_seed(2)
    rng = np.random.default_rng(2)
    d = load_digits()
    order = rng.permutation(len(d.target))
    tr, te = order[:1300], order[1300:]
    X = d.data / 16.0
    X = ((X - X[tr].mean()) / X[tr].std()).astype(np.float32)
    bags_tr, y_tr = make_bags(X[tr], d.target[tr], 2400, rng)
    bags_te, y_te = make_bags(X[te], d.target[te], 500, rng)

    model = BagClassifier()
    opt = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=5e-2)
    for epoch in range(1, 9):
        tl = train_epoch(model, opt, bags_tr, y_tr)
        vl, acc, auc = evaluate(model, bags_te, y_te)
        print(f"epoch {epoch:2d} train {tl:.4f} test {vl:.4f} acc {acc:.3f} auc {auc:.3f}")


if __name__ == "__main__":
    main()
