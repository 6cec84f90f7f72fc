# bug: the weekly profile Parameter is re-created in forward, so the optimizer never trains the one in use
# expects: MOD020
"""Hourly load of 12 substations from temperature, season and the hour of the week."""
import numpy as np
import torch
import torch.nn as nn

SEED = 11
EPOCHS = 14
BATCH = 512


def simulate(n_stations=12, n_weeks=52, seed=SEED):
    rng = np.random.default_rng(seed)
    slot = np.arange(168)
    hour, day = slot % 24, slot // 24
    week = 1.2 * np.exp(-((hour - 8) ** 2) / 6.0) + 1.6 * np.exp(-((hour - 19) ** 2) / 8.0)
    week = week * np.where(day >= 5, 0.55, 1.0) + 0.15 * rng.standard_normal(168)
    level = rng.normal(0.0, 0.8, n_stations)
    rows = []
    for w in range(n_weeks):
        t = w * 168 + slot
        season = np.cos(2 * np.pi * (w - 3) / n_weeks)
        temp = 10 - 11 * season + 4 * np.sin(2 * np.pi * (hour - 9) / 24) + rng.normal(0, 3)
        temp = temp + rng.normal(0, 1.0, 168)
        heat = 0.09 * np.maximum(0, 14 - temp) + 0.06 * np.maximum(0, temp - 21)
        for s in range(n_stations):
            y = level[s] + week + heat + rng.normal(0, 0.2, 168)
            rows.append(np.column_stack([np.full(168, w), np.full(168, s), slot, temp,
                                         np.full(168, season), y]))
    return np.concatenate(rows)


class LoadModel(nn.Module):
    """station level + weekly profile (zero mean) + weather response"""

    def __init__(self, n_stations):
        super().__init__()
        self.level = nn.Embedding(n_stations, 1)
        self.week = nn.Parameter(0.01 * torch.randn(168))
        self.weather = nn.Sequential(nn.Linear(2, 64), nn.GELU(), nn.Linear(64, 64), nn.GELU(),
                                     nn.Linear(64, 1))

    def forward(self, station, slot, x):
        self.week = nn.Parameter(self.week - self.week.mean())
        out = self.level(station).squeeze(1) + self.week[slot]
        return out + self.weather(x).squeeze(1)


def to_tensors(rows, mu, sd):
    x = (rows[:, 3:5] - mu) / sd
    return (torch.tensor(rows[:, 1], dtype=torch.long), torch.tensor(rows[:, 2], dtype=torch.long),
            torch.tensor(x, dtype=torch.float32), torch.tensor(rows[:, 5], dtype=torch.float32))


@torch.no_grad()
def rmse(model, data):
    model.eval()
    station, slot, x, y = data
    return (model(station, slot, x) - y).pow(2).mean().sqrt().item()


def main():
    torch.manual_seed(SEED)
    rows = simulate()
    rng = np.random.default_rng(SEED + 1)
    test_weeks = rng.choice(52, 11, replace=False)
    held = np.isin(rows[:, 0], test_weeks)
    fit = rows[~held]
    mu, sd = fit[:, 3:5].mean(0), fit[:, 3:5].std(0)
    train, test = to_tensors(fit, mu, sd), to_tensors(rows[held], mu, sd)

    model = LoadModel(12)
    opt = torch.optim.Adam(model.parameters(), lr=3e-3)
    n = len(train[3])
    for epoch in range(EPOCHS):
        model.train()
        total = 0.0
        for idx in torch.randperm(n).split(BATCH):
            station, slot, x, y = (t[idx] for t in train)
            loss = nn.functional.mse_loss(model(station, slot, x), y)
            opt.zero_grad()
            loss.backward()
            opt.step()
            total += loss.item() * len(idx)
        print(f"epoch {epoch:2d}  train mse {total / n:.4f}  held-out rmse {rmse(model, test):.4f}")
    print(f"final held-out rmse {rmse(model, test):.4f}")


if __name__ == "__main__":
    main()
