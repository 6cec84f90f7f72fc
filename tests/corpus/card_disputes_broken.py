# bug: about 2% positives, unweighted loss, and plain accuracy picks and reports the model: it never flags a chargeback
# expects: DAT022
"""Flag card transactions that will end in a chargeback."""
import numpy as np
import pandas as pd
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from sklearn.metrics import accuracy_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

SEED = 11
np.random.seed(SEED)
torch.manual_seed(SEED)


def make_transactions(n=40000):
    rng = np.random.default_rng(SEED)
    df = pd.DataFrame({
        "log_amount": rng.normal(3.5, 1.1, n),
        "hour_sin": np.sin(rng.uniform(0, 2 * np.pi, n)),
        "merchant_risk": rng.beta(2, 6, n),
        "days_since_issue": rng.exponential(400, n),
        "tx_last_24h": rng.poisson(2.0, n),
        "distance_km": rng.lognormal(2.0, 1.2, n),
        "is_online": rng.integers(0, 2, n),
    })
    score = (0.7 * (df.log_amount - 3.5)
             + 3.2 * (df.merchant_risk - 0.25)
             + 0.35 * (df.tx_last_24h - 2)
             + 0.5 * np.log1p(df.distance_km) - 1.2
             + 0.6 * df.is_online
             - 0.0008 * df.days_since_issue)
    p = 1 / (1 + np.exp(-(score - 4.7)))
    df["chargeback"] = (rng.uniform(size=n) < p).astype(int)
    return df


df = make_transactions()
features = [c for c in df.columns if c != "chargeback"]
train_df, rest = train_test_split(df, test_size=0.4, random_state=SEED, stratify=df.chargeback)
valid_df, test_df = train_test_split(rest, test_size=0.5, random_state=SEED, stratify=rest.chargeback)

scaler = StandardScaler().fit(train_df[features])


def tensors(frame):
    x = torch.tensor(scaler.transform(frame[features]), dtype=torch.float32)
    y = torch.tensor(frame.chargeback.to_numpy(), dtype=torch.float32)
    return x, y


x_tr, y_tr = tensors(train_df)
x_va, y_va = tensors(valid_df)
x_te, y_te = tensors(test_df)
print(f"rows: train {len(x_tr)}  valid {len(x_va)}  test {len(x_te)}")

loader = DataLoader(TensorDataset(x_tr, y_tr), batch_size=128, shuffle=True)

net = nn.Sequential(
    nn.Linear(len(features), 64), nn.ReLU(), nn.Dropout(0.1),
    nn.Linear(64, 32), nn.ReLU(),
    nn.Linear(32, 1),
)
criterion = nn.BCEWithLogitsLoss()
optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3, weight_decay=1e-4)


@torch.no_grad()
def evaluate(x, y):
    net.eval()
    logit = net(x).squeeze(1)
    pred = (logit > 0).float()
    net.train()
    return pred.numpy(), y.numpy()


best, best_state = -1.0, None
for epoch in range(12):
    running = 0.0
    for xb, yb in loader:
        optimizer.zero_grad()
        loss = criterion(net(xb).squeeze(1), yb)
        loss.backward()
        optimizer.step()
        running += loss.item() * len(xb)
    pred, truth = evaluate(x_va, y_va)
    metric = accuracy_score(truth, pred)
    print(f"epoch {epoch + 1:2d}  loss {running / len(x_tr):.4f}  valid accuracy {metric:.4f}")
    if metric > best:
        best = metric
        best_state = {k: v.clone() for k, v in net.state_dict().items()}

net.load_state_dict(best_state)
pred, truth = evaluate(x_te, y_te)
print(f"test accuracy {accuracy_score(truth, pred):.4f}")
