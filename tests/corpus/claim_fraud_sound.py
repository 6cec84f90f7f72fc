# expects: nothing
import numpy as np
import pandas as pd
import torch
import torch.nn as nn
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split


def claims(n=9000, seed=4):
    rng = np.random.default_rng(seed)
    df = pd.DataFrame({
        "policy_no": rng.permutation(np.arange(100000, 100000 + n)),
        "region": rng.integers(0, 12, n),
        "channel": rng.integers(0, 4, n),
        "vehicle": rng.integers(0, 25, n),
        "amount": rng.lognormal(7, 0.8, n),
        "age_of_policy": rng.exponential(3, n),
        "prior_claims": rng.poisson(0.8, n),
        "hours_to_report": rng.exponential(30, n),
    })
    region_risk = rng.normal(0, 0.9, 12)[df.region]
    vehicle_risk = rng.normal(0, 0.9, 25)[df.vehicle]
    logit = (
        -0.6 + region_risk + vehicle_risk
        + 1.6 * (np.log(df.amount) - 7) * (df.channel == 2)
        + 0.9 * (df.prior_claims - 0.8)
        - 0.8 * np.log1p(df.age_of_policy) + 0.7
        + 0.8 * (df.hours_to_report > 40)
    )
    df["fraud"] = (rng.random(n) < 1 / (1 + np.exp(-logit))).astype(int)
    return df


TARGET = "fraud"
NUMERIC = ["amount", "age_of_policy", "prior_claims", "hours_to_report"]


class Encoder:
    """Learns categories and scaling on the training frame; unseen categories become index 0."""

    def fit(self, df):
        self.cats = [c for c in df.columns if c not in NUMERIC + [TARGET, "policy_no"]]
        self.maps = {c: {v: i + 1 for i, v in enumerate(sorted(df[c].unique()))} for c in self.cats}
        logs = np.log1p(df[NUMERIC])
        self.mu, self.sd = logs.mean(), logs.std()
        return self

    def sizes(self):
        return [len(self.maps[c]) + 1 for c in self.cats]

    def transform(self, df):
        cat = np.stack([df[c].map(self.maps[c]).fillna(0).astype(int) for c in self.cats], axis=1)
        num = ((np.log1p(df[NUMERIC]) - self.mu) / self.sd).to_numpy(np.float32)
        return torch.from_numpy(cat), torch.from_numpy(num), torch.tensor(df[TARGET].to_numpy(), dtype=torch.float32)


class ClaimNet(nn.Module):
    def __init__(self, sizes, n_num, emb=4):
        super().__init__()
        self.embs = nn.ModuleList([nn.Embedding(s, emb) for s in sizes])
        self.mlp = nn.Sequential(
            nn.Linear(emb * len(sizes) + n_num, 64), nn.ReLU(), nn.Dropout(0.3),
            nn.Linear(64, 16), nn.ReLU(), nn.Linear(16, 1),
        )

    def forward(self, cat, num):
        e = [emb(cat[:, i]) for i, emb in enumerate(self.embs)]
        return self.mlp(torch.cat(e + [num], dim=1)).squeeze(1)


def auc(net, data):
    cat, num, y = data
    net.eval()
    with torch.no_grad():
        s = net(cat, num)
    net.train()
    return roc_auc_score(y.numpy(), s.numpy())


torch.manual_seed(4)
frame = claims()
train_df, valid_df = train_test_split(frame, test_size=0.3, random_state=4, stratify=frame[TARGET])
enc = Encoder().fit(train_df)
train, valid = enc.transform(train_df), enc.transform(valid_df)
net = ClaimNet(enc.sizes(), len(NUMERIC))
opt = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=0.1)
bce = nn.BCEWithLogitsLoss()
EPOCHS, BATCH = 25, 64

for epoch in range(1, EPOCHS + 1):
    perm = torch.randperm(len(train[2]))
    tot = 0.0
    for i in range(0, len(perm), BATCH):
        rows = perm[i:i + BATCH]
        loss = bce(net(train[0][rows], train[1][rows]), train[2][rows])
        opt.zero_grad()
        loss.backward()
        opt.step()
        tot += loss.item() * len(rows)
    if epoch % 5 == 0:
        print(f"epoch {epoch:2d} train loss {tot / len(perm):.4f} train AUC {auc(net, train):.4f} valid AUC {auc(net, valid):.4f}")
print(f"final valid AUC {auc(net, valid):.4f}")
