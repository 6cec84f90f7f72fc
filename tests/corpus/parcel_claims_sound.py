# expects: nothing
import numpy as np
import pandas as pd
import torch
import torch.nn as nn
from sklearn.metrics import balanced_accuracy_score, recall_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

np.random.seed(7)
torch.manual_seed(7)


def load_parcels(n=24000):
    rng = np.random.default_rng(7)
    df = pd.DataFrame({
        "weight": rng.gamma(2.0, 2.5, n),
        "distance": rng.gamma(3.0, 120.0, n),
        "value": np.exp(rng.normal(3.5, 1.0, n)),
        "handovers": rng.integers(1, 8, n),
        "fragile": rng.integers(0, 2, n),
        "humidity": rng.uniform(20, 95, n),
        "depot": rng.integers(0, 12, n),
        "carrier": rng.integers(0, 6, n),
    })
    depot_risk = rng.normal(0, 0.5, 12)
    carrier_risk = rng.normal(0, 0.5, 6)
    z = (0.7 * df.fragile * (df.handovers - 3) + 0.3 * df.weight / 5 + 0.0015 * df.distance
         + depot_risk[df.depot] + carrier_risk[df.carrier] + 0.02 * (df.humidity - 60) * (df.fragile == 0))
    z = z + rng.logistic(0, 0.5, n)
    df["claim"] = (z > np.quantile(z, 0.97)).astype(int)
    return df


NUMERIC = ["weight", "distance", "value", "handovers", "fragile", "humidity"]

df = load_parcels()
train_df, test_df = train_test_split(df, test_size=0.3, stratify=df.claim, random_state=0)
scaler = StandardScaler().fit(train_df[NUMERIC])


def tensors(frame):
    num = torch.tensor(scaler.transform(frame[NUMERIC]), dtype=torch.float32)
    cat = torch.tensor(frame[["depot", "carrier"]].to_numpy())
    return num, cat, torch.tensor(frame.claim.to_numpy(), dtype=torch.float32)


class ClaimNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.depot = nn.Embedding(12, 4)
        self.carrier = nn.Embedding(6, 3)
        self.mlp = nn.Sequential(nn.Linear(6 + 7, 64), nn.SiLU(), nn.Linear(64, 32), nn.SiLU(), nn.Linear(32, 1))

    def forward(self, num, cat):
        z = torch.cat([num, self.depot(cat[:, 0]), self.carrier(cat[:, 1])], 1)
        return self.mlp(z).squeeze(1)


num, cat, y = tensors(train_df)
num_t, cat_t, y_t = tensors(test_df)
net = ClaimNet()
opt = torch.optim.RMSprop(net.parameters(), lr=5e-4, weight_decay=1e-4)
loss_fn = nn.BCEWithLogitsLoss(pos_weight=(1 - y).sum() / y.sum())

BATCH = 128
for epoch in range(1, 26):
    net.train()
    perm = torch.randperm(len(y))
    total = 0.0
    n_batches = len(y) // BATCH
    for b in range(n_batches):
        i = perm[b * BATCH:(b + 1) * BATCH]
        loss = loss_fn(net(num[i], cat[i]), y[i])
        opt.zero_grad()
        loss.backward()
        opt.step()
        total += loss.item()
    net.eval()
    with torch.no_grad():
        pred = (net(num_t, cat_t) > 0).float()
    if epoch % 5 == 0:
        score = balanced_accuracy_score(y_t, pred)
        print(f"epoch {epoch:2d} loss {total / n_batches:.4f} test balanced accuracy {score:.4f} "
              f"recall {recall_score(y_t, pred):.4f}")
