# expects: nothing
"""Does a caller churn within 30 days? Acoustic features of support calls, several calls a caller."""
import numpy as np
import pandas as pd
import torch
from torch import nn
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupShuffleSplit

N_CALLERS, N_FEATS = 600, 24


def build_table(seed=9):
    rng = np.random.default_rng(seed)
    rows = []
    w = rng.normal(0, 1, N_FEATS) / np.sqrt(N_FEATS)
    for caller in range(N_CALLERS):
        voice = rng.normal(0, 1, N_FEATS)
        churn = int(rng.normal(0, 0.8) + voice @ w > 0)
        for _ in range(rng.integers(6, 13)):
            rows.append([caller, churn, *(voice + rng.normal(0, 0.45, N_FEATS))])
    cols = ["caller", "churn"] + [f"mfcc_{i}" for i in range(N_FEATS)]
    return pd.DataFrame(rows, columns=cols).sample(frac=1.0, random_state=seed).reset_index(drop=True)


def split(df, frac, seed):
    a, b = next(GroupShuffleSplit(1, test_size=frac, random_state=seed).split(df, groups=df["caller"]))
    return df.iloc[a], df.iloc[b]


def tensors(df, mu, sd):
    x = df.filter(like="mfcc_")
    return torch.tensor(((x - mu) / sd).values, dtype=torch.float32), torch.tensor(df["churn"].values, dtype=torch.float32)


def auc(net, x, y):
    net.eval()
    with torch.no_grad():
        return roc_auc_score(y.numpy(), net(x).squeeze(1).numpy())


df = build_table()
rest, test = split(df, 0.3, seed=1)
train, val = split(rest, 0.25, seed=2)
print(f"rows: train {len(train)}, val {len(val)}, test {len(test)}; churn rate {df['churn'].mean():.2f}")
mu, sd = train.filter(like="mfcc_").mean(), train.filter(like="mfcc_").std()
xt, yt = tensors(train, mu, sd)
xv, yv = tensors(val, mu, sd)
xs, ys = tensors(test, mu, sd)

torch.manual_seed(9)
net = nn.Sequential(
    nn.Linear(N_FEATS, 128), nn.BatchNorm1d(128), nn.ELU(), nn.Dropout(0.3),
    nn.Linear(128, 128), nn.BatchNorm1d(128), nn.ELU(), nn.Dropout(0.3),
    nn.Linear(128, 1),
)
STEPS = 1400
opt = torch.optim.NAdam(net.parameters(), lr=1e-3)
bce = nn.BCEWithLogitsLoss()
gen = torch.Generator().manual_seed(4)
best_auc, best_weights = 0.0, None

for step in range(1, STEPS + 1):
    net.train()
    pick = torch.randint(len(xt), (96,), generator=gen)
    loss = bce(net(xt[pick]).squeeze(1), yt[pick])
    opt.zero_grad()
    loss.backward()
    opt.step()
    if step % 50 == 0:
        v = auc(net, xv, yv)
        if v > best_auc:
            best_auc = v
            best_weights = {k: t.detach().clone() for k, t in net.state_dict().items()}
        if step % 200 == 0:
            print(f"step {step:4d}  bce {loss.item():.4f}  val auc {v:.4f}")

net.load_state_dict(best_weights)
print(f"best val auc {best_auc:.4f}   test auc {auc(net, xs, ys):.4f}")
