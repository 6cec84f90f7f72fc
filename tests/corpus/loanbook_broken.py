# bug: the standardised copy of the table is thrown away
# expects: DAT002 DAT021
# Which small-business loans go bad within a year?  Synthetic loan book, plain MLP.
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from sklearn.metrics import roc_auc_score
from torch import nn, optim

COLUMNS = ["turnover_eur", "loan_eur", "owner_age", "years_trading", "debt_ratio", "late_payments", "rate"]


@dataclass
class LoanTable:
    x: np.ndarray
    y: np.ndarray

    def split(self, frac, rng):
        order = rng.permutation(len(self.y))
        cut = int(frac * len(order))
        a, b = order[:cut], order[cut:]
        return LoanTable(self.x[a], self.y[a]), LoanTable(self.x[b], self.y[b])

    def stats(self):
        return self.x.mean(0), self.x.std(0)

    def standardised(self, mean, std):
        return LoanTable((self.x - mean) / std, self.y)

    def tensors(self):
        return torch.tensor(self.x, dtype=torch.float32), torch.tensor(self.y, dtype=torch.float32)


def simulate(n, rng):
    turnover = rng.lognormal(12.2, 0.7, n)
    loan = turnover * rng.uniform(0.05, 0.6, n)
    age = rng.normal(44, 9, n).clip(20, 75)
    years = rng.gamma(2.0, 4.0, n)
    debt = rng.beta(2, 3, n)
    late = rng.poisson(1.2, n)
    rate = rng.normal(0.06, 0.015, n).clip(0.01, 0.15)
    score = (
        3.2 * (debt - 0.4) / 0.2 * (0.4 + 0.5 * (late > 1))
        + 1.3 * (rate - 0.06) / 0.015
        - 1.2 * np.log1p(years) / 0.7
        + 1.1 * np.abs(age - 44) / 9
        + 0.9 * (loan / turnover - 0.3) / 0.16
        + 1.6
    )
    y = rng.random(n) < 1 / (1 + np.exp(-1.4 * score))
    return LoanTable(np.stack([turnover, loan, age, years, debt, late, rate], 1), y.astype(np.float64))


def make_model(n_in):
    return nn.Sequential(
        nn.Linear(n_in, 48), nn.ReLU(),
        nn.Linear(48, 24), nn.ReLU(),
        nn.Linear(24, 1), nn.Flatten(0),
    )


@torch.no_grad()
def report(model, x, y, lossf):
    model.eval()
    z = model(x)
    acc = ((z > 0).float() == y).float().mean().item()
    return lossf(z, y).item(), roc_auc_score(y.numpy(), z.numpy()), acc


def run(seed=17, epochs=16, batch=64):
    rng = np.random.default_rng(seed)
    torch.manual_seed(seed)
    train, test = simulate(5000, rng).split(0.75, rng)
    mean, std = train.stats()
    train.standardised(mean, std)
    test.standardised(mean, std)
    xtr, ytr = train.tensors()
    xte, yte = test.tensors()
    print(f"{len(ytr)} loans to train on, {len(yte)} held out, bad rate {ytr.mean():.3f}")

    model = make_model(len(COLUMNS))
    lossf = nn.BCEWithLogitsLoss()
    opt = optim.Adam(model.parameters(), lr=2e-3, weight_decay=1e-5)
    for epoch in range(1, epochs + 1):
        model.train()
        acc_loss = 0.0
        for idx in torch.randperm(len(ytr)).split(batch):
            opt.zero_grad()
            loss = lossf(model(xtr[idx]), ytr[idx])
            loss.backward()
            opt.step()
            acc_loss += loss.item() * len(idx)
        if epoch % 2 == 0:
            tl, auc, acc = report(model, xte, yte, lossf)
            print(f"{epoch:3d}: train {acc_loss / len(ytr):.4f}  test {tl:.4f}  AUC {auc:.3f}  acc {acc:.3f}")


run()
