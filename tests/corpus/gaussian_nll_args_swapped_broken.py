# bug: gaussian_nll_loss gets its arguments in the order (mean, variance, target), the target is taken for the variance
# expects: LOS011 NUM001
"""Demand forecast per shop and weekday, with uncertainty."""
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset

SHOPS, DAYS = 12, 7


class Demand(Dataset):
    def __init__(self, weeks, seed):
        rng = np.random.default_rng(seed)
        base = np.random.default_rng(0).uniform(0.5, 3.0, (SHOPS, DAYS))
        rows = []
        for week in range(weeks):
            for shop in range(SHOPS):
                for day in range(DAYS):
                    price = rng.uniform(0.5, 1.5)
                    mean = base[shop, day] * (2 - price)
                    rows.append((shop, day, price, max(0.05, mean + 0.1 * mean * rng.standard_normal())))
        shop, day, price, demand = zip(*rows)
        self.shop, self.day = torch.tensor(shop), torch.tensor(day)
        self.price = torch.tensor(price, dtype=torch.float32)
        self.demand = torch.tensor(demand, dtype=torch.float32)

    def __len__(self):
        return len(self.demand)

    def __getitem__(self, i):
        return self.shop[i], self.day[i], self.price[i], self.demand[i]


class Forecaster(nn.Module):
    def __init__(self, dim=8, hidden=48):
        super().__init__()
        self.shop, self.day = nn.Embedding(SHOPS, dim), nn.Embedding(DAYS, dim)
        self.body = nn.Sequential(nn.Linear(2 * dim + 1, hidden), nn.SiLU(), nn.Linear(hidden, hidden), nn.SiLU())
        self.mean, self.raw_var = nn.Linear(hidden, 1), nn.Linear(hidden, 1)

    def forward(self, shop, day, price):
        h = self.body(torch.cat([self.shop(shop), self.day(day), price.unsqueeze(1) - 1], 1))
        return self.mean(h).squeeze(1), F.softplus(self.raw_var(h)).squeeze(1) + 1e-3


def main():
    torch.manual_seed(0)
    train_set, test_set = Demand(24, 1), Demand(6, 2)
    train = DataLoader(train_set, batch_size=64, shuffle=True)
    model = Forecaster()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for epoch in range(8):
        model.train()
        total = 0.0
        for shop, day, price, demand in train:
            mean, var = model(shop, day, price)
            loss = F.gaussian_nll_loss(mean, var, demand)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item()
        model.eval()
        with torch.no_grad():
            mean, _ = model(test_set.shop, test_set.day, test_set.price)
            mape = ((mean - test_set.demand).abs() / test_set.demand).median().item()
        print(f"epoch {epoch} nll {total / len(train):.4f} median relative error {mape:.3f}")


if __name__ == "__main__":
    main()
