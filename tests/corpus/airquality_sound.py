# expects: nothing
"""Next-hour forecast of four pollutants at one station, GRU over the past day."""
import math
import random

import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, Dataset

CFG = {
    "hours": 8000,
    "window": 24,
    "pollutants": ["no2", "o3", "pm10", "co"],
    "hidden": 48,
    "batch_size": 64,
    "epochs": 10,
    "lr": 2e-3,
    "seed": 2024,
}


def simulate_station(cfg):
    rng = np.random.default_rng(cfg["seed"])
    n = cfg["hours"]
    t = np.arange(n)
    hour = t % 24
    weekday = (t // 24) % 7 < 5
    wind, temp = np.zeros(n), np.zeros(n)
    for i in range(1, n):
        wind[i] = 0.95 * wind[i - 1] + 0.3 * rng.normal()
        temp[i] = 0.98 * temp[i - 1] + 0.2 * rng.normal()
    traffic = (np.exp(-((hour - 8) / 2.0) ** 2) + 0.9 * np.exp(-((hour - 18) / 2.5) ** 2)) * np.where(weekday, 1.0, 0.45)
    sun = np.clip(np.sin((hour - 6) / 12 * math.pi), 0, None)
    no2, o3, pm, co = (np.zeros(n) for _ in range(4))
    for i in range(1, n):
        vent = np.exp(-0.4 * wind[i])
        no2[i] = 0.7 * no2[i - 1] + 12 * traffic[i] * vent + rng.normal(0, 0.8)
        o3[i] = 0.8 * o3[i - 1] + 9 * sun[i] * (1 + 0.2 * temp[i]) - 0.12 * no2[i] + rng.normal(0, 0.8)
        pm[i] = 0.93 * pm[i - 1] + 1.5 * vent + 1.2 * traffic[i] - 0.4 * temp[i] + rng.normal(0, 0.7)
        co[i] = 0.5 * co[i - 1] + 0.3 * traffic[i] * vent + 0.05 * (temp[i] < -0.5) + rng.normal(0, 0.03)
    clock = [np.sin(2 * np.pi * hour / 24), np.cos(2 * np.pi * hour / 24), weekday.astype(float)]
    return np.stack([no2, o3, pm, co, wind, temp] + clock, 1).astype(np.float32)


class Windows(Dataset):
    def __init__(self, series, window, n_targets):
        self.series = torch.from_numpy(series)
        self.window = window
        self.n_targets = n_targets

    def __len__(self):
        return len(self.series) - self.window

    def __getitem__(self, i):
        return self.series[i:i + self.window], self.series[i + self.window, :self.n_targets]


class Forecaster(nn.Module):
    def __init__(self, n_inputs, cfg):
        super().__init__()
        self.encoder = nn.GRU(n_inputs, cfg["hidden"], batch_first=True)
        self.heads = nn.ModuleDict({name: nn.Linear(cfg["hidden"], 1) for name in cfg["pollutants"]})

    def forward(self, x):
        _, h = self.encoder(x)
        return {name: head(h[-1]).squeeze(-1) for name, head in self.heads.items()}


def compute_loss(out, target, cfg):
    return sum(nn.functional.smooth_l1_loss(out[name], target[:, k]) for k, name in enumerate(cfg["pollutants"]))


def evaluate(model, loader, cfg):
    model.eval()
    preds = {name: [] for name in cfg["pollutants"]}
    truth = []
    with torch.no_grad():
        for x, y in loader:
            out = model(x)
            for name in preds:
                preds[name].append(out[name])
            truth.append(y)
    truth = torch.cat(truth)
    r2 = {}
    for k, name in enumerate(cfg["pollutants"]):
        p, y = torch.cat(preds[name]), truth[:, k]
        r2[name] = 1 - ((p - y) ** 2).sum().item() / ((y - y.mean()) ** 2).sum().item()
    return r2


def main(cfg):
    random.seed(cfg["seed"])
    torch.manual_seed(cfg["seed"])
    raw = simulate_station(cfg)
    cut = int(0.8 * len(raw))
    mu, sd = raw[:cut].mean(0), raw[:cut].std(0)
    data = (raw - mu) / sd
    k = len(cfg["pollutants"])
    train = DataLoader(Windows(data[:cut], cfg["window"], k), batch_size=cfg["batch_size"], shuffle=True)
    valid = DataLoader(Windows(data[cut:], cfg["window"], k), batch_size=512)

    model = Forecaster(raw.shape[1], cfg)
    print("parameters:", sum(p.numel() for p in model.parameters()))
    optimizer = torch.optim.Adam(model.parameters(), lr=cfg["lr"])
    for epoch in range(cfg["epochs"]):
        model.train()
        running = 0.0
        for x, y in train:
            optimizer.zero_grad()
            loss = compute_loss(model(x), y, cfg)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 5.0)
            optimizer.step()
            running += loss.item()
        r2 = evaluate(model, valid, cfg)
        print(f"epoch {epoch + 1}: loss {running / len(train):.4f}  " + "  ".join(f"R2[{n}] {v:.3f}" for n, v in r2.items()))
    print(f"mean validation R2: {sum(r2.values()) / len(r2):.3f}")


if __name__ == "__main__":
    main(CFG)
