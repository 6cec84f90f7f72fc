# expects: nothing
import numpy as np
import pandas as pd
import torch
from sklearn.metrics import accuracy_score, confusion_matrix
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

BANDS = ["good", "moderate", "poor"]


def collect(n=24_000, seed=8):
    """One row per station and hour: weather, traffic and the particulate reading one hour later."""
    rng = np.random.default_rng(seed)
    df = pd.DataFrame({
        "hour": rng.integers(0, 24, n),
        "wind": rng.gamma(2.0, 1.6, n),
        "humidity": rng.uniform(25, 98, n),
        "traffic": rng.gamma(3.0, 120.0, n),
        "inversion": rng.normal(0, 1, n),
        "rain_mm": rng.exponential(0.4, n) * (rng.random(n) < 0.25),
        "site": rng.choice(["kerb", "park", "school", "depot"], n),
    })
    site = df["site"].map({"kerb": 1.3, "park": 0.6, "school": 0.9, "depot": 1.5})
    rush = 1 + 0.5 * np.exp(-((df["hour"] - 8) / 2.0) ** 2) + 0.4 * np.exp(-((df["hour"] - 18) / 2.5) ** 2)
    mix = np.exp(0.45 * df["inversion"]) / (0.6 + 0.35 * df["wind"])
    pm = site * rush * mix * (4 + 0.06 * df["traffic"]) * np.exp(-0.5 * df["rain_mm"])
    df["pm25"] = pm * (0.7 + 0.005 * df["humidity"]) * np.exp(rng.normal(0, 0.12, n))
    return df


def prepare(df, train_rows):
    df = df.copy()
    numeric = df.select_dtypes("number").columns.drop(["hour", "pm25"])
    stats = df.loc[train_rows, numeric].agg(["mean", "std"])
    df[numeric] = (df[numeric] - stats.loc["mean"]) / stats.loc["std"]
    df["hour_sin"] = np.sin(2 * np.pi * df["hour"] / 24)
    df["hour_cos"] = np.cos(2 * np.pi * df["hour"] / 24)
    df["band"] = pd.cut(df["pm25"], [-np.inf, 12.0, 35.0, np.inf], labels=False)
    sites = pd.get_dummies(df["site"], dtype=float)
    x = pd.concat([df.drop(columns=["hour", "site", "pm25", "band"]), sites], axis=1)
    return (torch.tensor(x.to_numpy(), dtype=torch.float32),
            torch.tensor(df["band"].to_numpy(), dtype=torch.long))


def network(n_in):
    layers, width = [], n_in
    for w in (64, 64, 32):
        layers += [nn.Linear(width, w), nn.BatchNorm1d(w), nn.ReLU()]
        width = w
    return nn.Sequential(*layers, nn.Linear(width, len(BANDS)))


@torch.no_grad()
def classify(net, x):
    net.eval()
    return net(x).argmax(1).numpy()


def run(epochs=14):
    torch.manual_seed(8)
    df = collect()
    order = np.random.default_rng(80).permutation(len(df))
    tr, va, te = np.split(order, [int(0.7 * len(df)), int(0.85 * len(df))])
    x, y = prepare(df, tr)
    loader = DataLoader(TensorDataset(x[tr], y[tr]), batch_size=128, shuffle=True, drop_last=True)
    net = network(x.shape[1])
    opt = torch.optim.AdamW(net.parameters(), lr=3e-3, weight_decay=1e-2)
    sched = torch.optim.lr_scheduler.OneCycleLR(opt, 6e-3, total_steps=epochs * len(loader))
    ce = nn.CrossEntropyLoss()
    for epoch in range(1, epochs + 1):
        net.train()
        losses = []
        for xb, yb in loader:
            loss = ce(net(xb), yb)
            opt.zero_grad()
            loss.backward()
            opt.step()
            sched.step()
            losses.append(loss.item())
        acc = accuracy_score(y[va], classify(net, x[va]))
        print(f"epoch {epoch:02d} loss {np.mean(losses):.4f} val accuracy {acc:.4f}")
    guess = classify(net, x[te])
    print(pd.DataFrame(confusion_matrix(y[te], guess, labels=range(len(BANDS))), BANDS, BANDS))
    print(f"test accuracy {accuracy_score(y[te], guess):.4f}")


if __name__ == "__main__":
    run()
