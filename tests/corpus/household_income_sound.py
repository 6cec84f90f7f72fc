# expects: nothing
"""Permanent income of households from survey covariates.

The survey ships frequency weights (fweight); estimates have to be
representative for the population, hence rows enter with their weight.
"""
import numpy as np
import pandas as pd
import torch
from sklearn.metrics import mean_absolute_error, r2_score
from sklearn.model_selection import train_test_split
from torch import nn

SEED = 1936
rng = np.random.default_rng(SEED)
torch.manual_seed(SEED)


def load_survey(n=2200):
    df = pd.DataFrame({
        "age": rng.integers(22, 70, n),
        "educ": rng.integers(8, 21, n),
        "tenure": rng.gamma(2.0, 4.0, n),
        "hhsize": rng.integers(1, 7, n),
        "urban": rng.integers(0, 2, n),
        "female_head": rng.integers(0, 2, n),
        "region": rng.integers(0, 6, n),
        "hours": rng.normal(38, 8, n).clip(5, 70),
        "rooms": rng.integers(1, 8, n),
        "dist_city": rng.exponential(20, n),
    })
    exper = df.age - df.educ - 6
    slope = rng.normal(0, 0.05, 6)[df.region]
    df["lny"] = (
        8.2 + (0.085 + slope) * df.educ + 0.045 * exper - 0.0007 * exper ** 2
        + 0.012 * df.tenure * (1 - 0.8 * df.urban) + 0.18 * df.urban - 0.015 * df.female_head * df.hours
        + 0.012 * df.hours - 0.006 * df.dist_city * (1 - df.urban)
        + 0.3 * np.sin(df.age / 4 + df.hhsize) + 0.05 * (df.rooms - 4) * (df.hhsize - 3)
        + rng.normal(0, 0.14, n)
    )
    df["fweight"] = rng.integers(1, 8, n)
    return df


def expand(df):
    """Stata's `expand fweight`."""
    return df.loc[df.index.repeat(df["fweight"])].reset_index(drop=True)


def design(df):
    X = df[["age", "educ", "tenure", "hhsize", "urban", "female_head", "hours", "rooms", "dist_city"]]
    D = pd.get_dummies(df["region"].astype(pd.CategoricalDtype(range(6))), prefix="reg", dtype=float)
    return pd.concat([X, D], axis=1).to_numpy("float32"), df["lny"].to_numpy("float32")


survey = load_survey()
train, test = train_test_split(survey, test_size=0.3, random_state=SEED)
train, test = expand(train), expand(test)
print(f"households: {len(survey)}, weighted obs: train {len(train)}, test {len(test)}")

X_tr, y_tr = design(train)
X_te, y_te = design(test)
mean, std = X_tr.mean(0), X_tr.std(0)
y_mean, y_std = y_tr.mean(), y_tr.std()
X_tr, X_te = [torch.tensor((a - mean) / std) for a in (X_tr, X_te)]
t_tr = torch.tensor((y_tr - y_mean) / y_std)

model = nn.Sequential(
    nn.Linear(X_tr.shape[1], 384), nn.ReLU(), nn.Dropout(0.05),
    nn.Linear(384, 256), nn.ReLU(), nn.Dropout(0.05),
    nn.Linear(256, 1),
)
optimizer = torch.optim.AdamW(model.parameters(), lr=1.5e-3, weight_decay=0.05)
batch = 128


def fitted(X):
    model.eval()
    with torch.no_grad():
        out = model(X).squeeze(1).numpy() * y_std + y_mean
    model.train()
    return out


for epoch in range(1, 15):
    order = torch.randperm(len(X_tr))
    running = 0.0
    for start in range(0, len(order), batch):
        idx = order[start:start + batch]
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(X_tr[idx]).squeeze(1), t_tr[idx])
        loss.backward()
        optimizer.step()
        running += loss.item() * len(idx)
    if epoch % 2 == 0:
        print(f"epoch {epoch:3d}  train mse {running / len(order):.4f}  "
              f"R2 train {r2_score(y_tr, fitted(X_tr)):.3f}  R2 test {r2_score(y_te, fitted(X_te)):.3f}")

pred = fitted(X_te)
print(f"Test sample: R2 = {r2_score(y_te, pred):.3f}, MAE (log points) = {mean_absolute_error(y_te, pred):.3f}")
