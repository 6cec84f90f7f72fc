# bug: fraud rows are repeated before the split, so copies are on both sides
# expects: DAT041
"""Score insurance claims for fraud. Few claims are fraudulent, so the fraud rows are repeated to even things out."""
import numpy as np
import torch
from sklearn.metrics import average_precision_score, f1_score, roc_auc_score
from sklearn.model_selection import train_test_split
from torch import nn

SEED = 17


def load_claims(n=6000, d=16):
    rng = np.random.default_rng(SEED)
    x = rng.normal(size=(n, d))
    x[:, 6:12] = np.exp(0.7 * x[:, 6:12])
    score = 1.0 * x[:, 0] - 0.8 * x[:, 1] * x[:, 2] + 0.6 * np.log(x[:, 6]) + 0.7 * np.abs(x[:, 3]) - 0.8 * x[:, 8] / 3
    p = 1 / (1 + np.exp(-(1.6 * score - 4.2)))
    return x.astype(np.float32), (rng.random(n) < p).astype(np.int64)


def repeat_fraud(x, y, rng):
    fraud = np.flatnonzero(y == 1)
    extra = rng.choice(fraud, size=(y == 0).sum() - len(fraud), replace=True)
    keep = rng.permutation(np.concatenate([np.arange(len(y)), extra]))
    return x[keep], y[keep]


def scale(train, *others):
    m, s = train.mean(0), train.std(0)
    return [torch.tensor((a - m) / s) for a in (train, *others)]


class ClaimNet(nn.Module):
    def __init__(self, d, width=96, p=0.2):
        super().__init__()
        self.f = nn.Sequential(nn.Linear(d, width), nn.ReLU(), nn.Dropout(p),
                               nn.Linear(width, width), nn.ReLU(), nn.Dropout(p), nn.Linear(width, 1))

    def forward(self, x):
        return self.f(x).squeeze(1)


def prepare():
    rng = np.random.default_rng(SEED + 1)
    x, y = load_claims()
    print(f"{len(y)} claims, {y.mean():.1%} fraud")
    x, y = repeat_fraud(x, y, rng)
    x_tr, x_te, y_tr, y_te = train_test_split(x, y, test_size=0.25, random_state=SEED, stratify=y)
    x_tr, x_te = scale(x_tr, x_te)
    return x_tr, torch.tensor(y_tr), x_te, y_te


@torch.no_grad()
def report(model, x, y):
    model.eval()
    p = torch.sigmoid(model(x)).numpy()
    return dict(auc=roc_auc_score(y, p), ap=average_precision_score(y, p), f1=f1_score(y, p > 0.5))


def main(epochs=10, batch=64):
    torch.manual_seed(SEED)
    x_tr, y_tr, x_te, y_te = prepare()
    model = ClaimNet(x_tr.shape[1])
    opt = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=2e-2)
    bce = nn.BCEWithLogitsLoss()
    for epoch in range(epochs):
        model.train()
        total = 0.0
        perm = torch.randperm(len(y_tr))
        for idx in perm.split(batch):
            loss = bce(model(x_tr[idx]), y_tr[idx].float())
            opt.zero_grad()
            loss.backward()
            opt.step()
            total += loss.item() * len(idx)
        r = report(model, x_te, y_te)
        print(f"epoch {epoch:2d}: loss {total / len(y_tr):.4f}  test " + "  ".join(f"{k} {v:.3f}" for k, v in r.items()))
    r = report(model, x_tr, y_tr.numpy())
    print("training rows: " + "  ".join(f"{k} {v:.3f}" for k, v in r.items()))


if __name__ == "__main__":
    main()
