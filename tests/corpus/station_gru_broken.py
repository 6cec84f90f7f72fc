# bug: readings are standardised twice
# expects: DAT012 DAT002
"""Forecast the pressure six hours ahead from station readings (hPa, K, %, m/s)."""
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

WINDOW, AHEAD = 36, 6
NAMES = ["pressure", "temperature", "humidity", "wind"]


def simulate(hours=4200, seed=9):
    rng = np.random.default_rng(seed)
    t = np.arange(hours)
    front = np.zeros(hours)
    vel = 0.0
    for i in range(1, hours):
        vel = 0.93 * vel - 0.012 * front[i - 1] + 0.08 * rng.normal()
        front[i] = front[i - 1] + vel
    front = front / front.std()
    pressure = 1013 + 7 * front + 0.4 * np.sin(2 * np.pi * t / 12) + 0.2 * rng.normal(size=hours)
    temperature = 285 + 4 * np.sin(2 * np.pi * (t - 9) / 24) - 1.5 * front + 0.4 * rng.normal(size=hours)
    humidity = 65 - 9 * np.sin(2 * np.pi * (t - 9) / 24) - 4 * front + 2 * rng.normal(size=hours)
    wind = np.abs(5 + 12 * np.gradient(front) + rng.normal(size=hours))
    return np.stack([pressure, temperature, humidity, wind], 1).astype(np.float32)


class StationWindows(Dataset):
    def __init__(self, readings, pressure, change_std):
        self.readings = torch.from_numpy(readings)
        self.pressure = torch.from_numpy(pressure)
        self.change_std = change_std

    def __len__(self):
        return len(self.readings) - WINDOW - AHEAD + 1

    def __getitem__(self, i):
        x = self.readings[i:i + WINDOW]
        change = self.pressure[i + WINDOW + AHEAD - 1] - self.pressure[i + WINDOW - 1]
        return x, change / self.change_std


class Forecaster(nn.Module):
    """Takes readings in their own units."""

    def __init__(self, mean, std, hidden=32):
        super().__init__()
        self.register_buffer("mean", torch.as_tensor(mean))
        self.register_buffer("std", torch.as_tensor(std))
        self.gru = nn.GRU(len(NAMES), hidden, batch_first=True)
        self.head = nn.Sequential(nn.Linear(hidden, 32), nn.ReLU(), nn.Linear(32, 1))

    def forward(self, x):
        x = (x - self.mean) / self.std
        h, _ = self.gru(x)
        return self.head(h[:, -1]).squeeze(-1)


class Experiment:
    def __init__(self, epochs=8, batch=48, lr=2e-3):
        torch.manual_seed(0)
        data = simulate()
        cut = int(0.75 * len(data))
        train, valid = data[:cut], data[cut:]
        mean, std = train.mean(0), train.std(0)
        span = WINDOW + AHEAD
        change = train[span - 1:, 0] - train[WINDOW - 1:len(train) - AHEAD, 0]
        self.unit = float(change.std())
        hpa_train, hpa_valid = train[:, 0].copy(), valid[:, 0].copy()
        train, valid = (train - mean) / std, (valid - mean) / std
        self.train = DataLoader(StationWindows(train, hpa_train, self.unit), batch_size=batch, shuffle=True)
        self.valid = DataLoader(StationWindows(valid, hpa_valid, self.unit), batch_size=256)
        self.model = Forecaster(mean, std)
        self.opt = torch.optim.Adam(self.model.parameters(), lr=lr)
        self.sched = torch.optim.lr_scheduler.CosineAnnealingLR(self.opt, epochs)
        self.epochs = epochs

    def one_epoch(self):
        self.model.train()
        total = 0.0
        for x, y in self.train:
            loss = nn.functional.mse_loss(self.model(x), y)
            self.opt.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
            self.opt.step()
            total += loss.item() * len(y)
        self.sched.step()
        return total / len(self.train.dataset)

    @torch.no_grad()
    def score(self):
        self.model.eval()
        pairs = [(self.model(x), y) for x, y in self.valid]
        p, y = (torch.cat(z) for z in zip(*pairs))
        mse = (p - y).pow(2).mean().item()
        return mse ** 0.5 * self.unit, 1 - mse / y.var().item()

    def run(self):
        for e in range(1, self.epochs + 1):
            loss = self.one_epoch()
            rmse, r2 = self.score()
            print(f"epoch {e}: train mse {loss:.4f}, valid rmse {rmse:.3f} hPa, R2 {r2:.3f}")


if __name__ == "__main__":
    Experiment().run()
