# bug: Preprocessor scales only float columns, so the integer columns (income, loan amount, age) enter at their raw scale of up to 1e5
# expects: DAT002 DAT021
import argparse

import numpy as np
import pandas as pd
import torch
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split
from torch import nn


def make_applicants(n, seed):
    rng = np.random.default_rng(seed)
    df = pd.DataFrame({
        "annual_income": rng.lognormal(10.7, 0.5, n).astype(int),
        "loan_amount": rng.lognormal(9.6, 0.6, n).astype(int),
        "open_accounts": rng.poisson(6, n),
        "age": rng.integers(21, 75, n),
        "utilisation": rng.beta(2, 3, n),
        "interest_rate": rng.normal(0.11, 0.03, n),
        "years_employed": rng.gamma(2.0, 3.0, n),
        "purpose": rng.choice(["car", "home", "debt", "study"], n),
    })
    burden = df["loan_amount"] / df["annual_income"]
    logit = (
        1.3 * np.log(burden + 0.05)
        + 3.0 * (df["utilisation"] - 0.4)
        + 22.0 * (df["interest_rate"] - 0.11)
        - 0.12 * (df["years_employed"] - 6)
        + 0.9 * (df["purpose"] == "debt")
        + 0.0012 * (df["age"] - 45) ** 2
        + 0.5 * np.sin(df["open_accounts"])
        + 0.6
    )
    df["default"] = (rng.random(n) < 1 / (1 + np.exp(-1.6 * logit))).astype(np.float32)
    return df


class Preprocessor:
    def __init__(self, frame):
        self.num_cols = frame.select_dtypes("float").columns
        self.mean = frame[self.num_cols].mean()
        self.std = frame[self.num_cols].std()
        self.columns = pd.get_dummies(frame, columns=["purpose"]).columns

    def __call__(self, frame):
        out = pd.get_dummies(frame, columns=["purpose"]).reindex(columns=self.columns, fill_value=0)
        out = out.astype("float64")
        out[self.num_cols] = (out[self.num_cols] - self.mean) / self.std
        return torch.from_numpy(out.to_numpy(dtype="float32"))


def build(width, n_in):
    return nn.Sequential(
        nn.Linear(n_in, width), nn.ReLU(),
        nn.Linear(width, width // 2), nn.ReLU(),
        nn.Linear(width // 2, 1), nn.Flatten(0),
    )


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--rows", type=int, default=16000)
    ap.add_argument("--epochs", type=int, default=25)
    ap.add_argument("--batch", type=int, default=64)
    ap.add_argument("--lr", type=float, default=0.02)
    ap.add_argument("--width", type=int, default=64)
    ap.add_argument("--seed", type=int, default=2)
    args = ap.parse_args()
    torch.manual_seed(args.seed)

    df = make_applicants(args.rows, args.seed)
    y = df.pop("default")
    x_tr, x_te, y_tr, y_te = train_test_split(df, y, test_size=0.25, stratify=y, random_state=args.seed)

    prep = Preprocessor(x_tr)
    X, T = prep(x_tr), torch.tensor(y_tr.to_numpy())
    X_te = prep(x_te)
    print("features:", X.shape[1], " default rate:", round(T.mean().item(), 3))

    net = build(args.width, X.shape[1])
    crit = nn.BCEWithLogitsLoss()
    opt = torch.optim.SGD(net.parameters(), lr=args.lr, momentum=0.9, weight_decay=1e-4)
    sched = torch.optim.lr_scheduler.StepLR(opt, step_size=10, gamma=0.3)

    for ep in range(1, args.epochs + 1):
        net.train()
        running, order = 0.0, torch.randperm(len(X))
        for idx in order.split(args.batch):
            loss = crit(net(X[idx]), T[idx])
            opt.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 5.0)
            opt.step()
            running += loss.item() * len(idx)
        sched.step()
        net.eval()
        with torch.no_grad():
            auc = roc_auc_score(y_te, torch.sigmoid(net(X_te)).numpy())
        print(f"[{ep:02d}/{args.epochs}] loss {running / len(X):.4f}  held-out AUC {auc:.4f}")


if __name__ == "__main__":
    main()
