# expects: DAT007
"""Predict asking prices of flats (log price) from a listing table; then score fresh listings."""

import numpy as np
import torch
from torch import nn


def listings(n, seed):
    """the portal's export, a dict of columns"""
    r = np.random.default_rng(seed)
    area = np.clip(r.gamma(9, 8.5, n), 18, 220)
    rooms = np.clip(np.round(area / 26 + r.normal(0, 0.6, n)), 1, 8)
    year = r.integers(1890, 2024, n).astype(float)
    floor = r.integers(0, 12, n).astype(float)
    lift = (r.random(n) < 0.2 + 0.06 * floor).astype(float)
    km_centre = r.gamma(2.2, 2.3, n)
    condition = r.integers(1, 6, n).astype(float)
    balcony = (r.random(n) < 0.45).astype(float)
    lp = (
        8.3
        - 0.055 * km_centre
        + 0.07 * condition
        + 0.05 * balcony
        + 0.95 * np.log(area)
        + 0.12 * ((year - 1957) / 40) ** 2
        - 0.035 * floor * (1 - lift)
        + 0.015 * floor * lift
        + r.normal(0, 0.12, n)
    )
    return dict(
        area=area,
        rooms=rooms,
        year=year,
        floor=floor,
        lift=lift,
        km_centre=km_centre,
        condition=condition,
        balcony=balcony,
        price=np.exp(lp),
        commission=np.round(0.0357 * np.exp(lp), -2),
    )


def to_matrix(table, columns):
    return np.stack([np.log(table[c]) if c in ("area", "price", "commission") else table[c] for c in columns], 1)


class PriceModel:
    def __init__(self, columns, width=48, lr=1.5e-3, seed=0):
        torch.manual_seed(seed)
        self.columns = columns
        self.net = nn.Sequential(
            nn.Linear(len(columns), width), nn.Tanh(), nn.Linear(width, width), nn.Tanh(), nn.Linear(width, 1)
        )
        self.opt = torch.optim.Adam(self.net.parameters(), lr=lr)

    def prepare(self, table):
        X = to_matrix(table, self.columns)
        y = np.log(table["price"])
        return X, y

    def fit(self, table, val_table, epochs=25, batch=64):
        X, y = self.prepare(table)
        self.mx, self.sx, self.my, self.sy = X.mean(0), X.std(0), y.mean(), y.std()
        X = torch.tensor((X - self.mx) / self.sx, dtype=torch.float32)
        y = torch.tensor((y - self.my) / self.sy, dtype=torch.float32)
        for ep in range(epochs):
            total = 0.0
            for i in torch.randperm(len(X)).split(batch):
                loss = (self.net(X[i]).squeeze(1) - y[i]).square().mean()
                self.opt.zero_grad()
                loss.backward()
                self.opt.step()
                total += loss.item() * len(i)
            if ep % 5 == 4:
                print(f"  epoch {ep + 1}: train mse {total / len(X):.4f}  val R2 {self.r2(val_table):.4f}")

    @torch.no_grad()
    def predict(self, table):
        X = (to_matrix(table, self.columns) - self.mx) / self.sx
        return self.net(torch.tensor(X, dtype=torch.float32)).squeeze(1).numpy() * self.sy + self.my

    def r2(self, table):
        y = np.log(table["price"])
        return 1 - ((self.predict(table) - y) ** 2).mean() / y.var()


train_table, val_table = listings(4000, 1), listings(1000, 2)
features = [c for c in train_table if c != "price"]
print("features:", ", ".join(features))
model = PriceModel(features)
model.fit(train_table, val_table)

# flats that come in today: nobody has set a price, so the agent's fee is still the portal's default
fresh = listings(1000, 3)
truth = np.log(fresh["price"])
fresh["commission"] = np.full(1000, 9000.0)
pred = model.predict(fresh)
print(
    f"fresh listings: R2 {1 - ((pred - truth) ** 2).mean() / truth.var():.4f}, "
    f"median error {np.median(np.abs(np.exp(pred - truth) - 1)) * 100:.1f}%"
)
