# bug: features of wildly different scales (income in cents, age, a ratio) go in as they are
# expects: DAT002 DAT010
"""Will the customer pay back the loan? Made-up bank data."""
import csv
import io

import numpy as np
import torch
from sklearn.compose import make_column_transformer
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

NUMERIC = ["income_cents", "age", "debt_ratio", "account_seconds", "late_payments"]


def make_csv(n, seed=0):
    rng = np.random.default_rng(seed)
    income = rng.lognormal(15.0, 0.5, n)
    age = rng.uniform(18, 80, n)
    ratio = rng.beta(2, 5, n)
    seconds = rng.uniform(1e6, 3e8, n)
    late = rng.poisson(1.0, n)
    score = 1.5 * (np.log(income) - 15) + 0.02 * (age - 45) - 6 * (ratio - 0.28) + 4e-9 * (seconds - 1.5e8) - 0.8 * (late - 1)
    paid = (score + 0.3 * rng.standard_normal(n) > 0).astype(int)
    buf = io.StringIO()
    writer = csv.writer(buf)
    writer.writerow(NUMERIC + ["paid"])
    writer.writerows(zip(income.round(), age.round(1), ratio.round(4), seconds.round(), late, paid))
    buf.seek(0)
    return buf


def read(buf):
    rows = list(csv.DictReader(buf))
    x = np.array([[float(r[c]) for c in NUMERIC] for r in rows])
    y = np.array([int(r["paid"]) for r in rows])
    return x, y


def main():
    torch.manual_seed(0)
    x, y = read(make_csv(1600))
    x_train, x_test, y_train, y_test = x[:1200], x[1200:], y[:1200], y[1200:]
    train = TensorDataset(torch.tensor(x_train, dtype=torch.float32), torch.tensor(y_train, dtype=torch.float32))
    loader = DataLoader(train, batch_size=32, shuffle=True)
    x_test = torch.tensor(x_test, dtype=torch.float32)
    model = nn.Sequential(nn.Linear(5, 32), nn.ReLU(), nn.Linear(32, 16), nn.ReLU(), nn.Linear(16, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    criterion = nn.BCEWithLogitsLoss()
    for epoch in range(10):
        total = 0.0
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = criterion(model(xb).squeeze(-1), yb)
            loss.backward()
            optimizer.step()
            total += loss.item()
        with torch.no_grad():
            acc = ((model(x_test).squeeze(-1) > 0).numpy() == y_test).mean()
        print(f"epoch {epoch}: loss {total / len(loader):.4f}, accuracy {acc:.3f}")


if __name__ == "__main__":
    main()
