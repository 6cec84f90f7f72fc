# bug: held-out weeks are standardised by themselves
# expects: no-rule-yet
"""Hourly heat demand of a campus. Two years are used for fitting, the last ten weeks are held out."""
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F


class Standardizer:
    def fit(self, a):
        self.mean = a.mean(axis=0)
        self.std = a.std(axis=0)
        return self

    def transform(self, a):
        return ((a - self.mean) / self.std).astype(np.float32)

    def fit_transform(self, a):
        return self.fit(a).transform(a)

    def inverse(self, a):
        return a * self.std + self.mean


class CampusHeat:
    HOURS = 24 * 7 * 114

    def __init__(self, seed=0, holdout_weeks=10):
        rng = np.random.default_rng(seed)
        h = np.arange(self.HOURS)
        season = -np.cos(2 * np.pi * (h - 24 * 15) / (24 * 365.25))
        hour = h % 24
        weekday = (h // 24) % 7
        weather = np.zeros(self.HOURS)
        for i in range(1, self.HOURS):
            weather[i] = 0.985 * weather[i - 1] + rng.normal(0, 0.55)
        temp = 9.5 + 9.5 * season + weather + 3.0 * np.sin(2 * np.pi * (hour - 9) / 24)
        wind = np.abs(4 + rng.normal(0, 2, self.HOURS))
        sun = np.clip(np.sin(np.pi * (hour - 6) / 12), 0, None) * (0.55 + 0.35 * season) * rng.uniform(0.3, 1, self.HOURS)
        office = ((hour >= 7) & (hour <= 18) & (weekday < 5)).astype(float)
        demand = (0.16 * np.clip(17 - temp, 0, None) * (1 + 0.03 * wind) + 0.6 + 1.1 * office
                  - 0.9 * sun * (temp < 17) + rng.normal(0, 0.18, self.HOURS))
        x = np.stack([temp, wind, sun, office, np.sin(2 * np.pi * hour / 24), np.cos(2 * np.pi * hour / 24)], axis=1)
        y = np.clip(demand, 0.05, None)[:, None]
        cut = self.HOURS - holdout_weeks * 168
        self.train_x, self.test_x = x[:cut], x[cut:]
        self.train_y, self.test_y = y[:cut], y[cut:]


class HeatNet(nn.Module):
    def __init__(self, n_in, width=40):
        super().__init__()
        self.a = nn.Linear(n_in, width)
        self.b = nn.Linear(width, width)
        self.c = nn.Linear(width, 1)

    def forward(self, x):
        h = F.elu(self.a(x))
        h = h + F.elu(self.b(h))
        return self.c(h)


class Experiment:
    def __init__(self, epochs=24, batch_size=64, lr=0.01):
        self.epochs, self.batch_size = epochs, batch_size
        data = CampusHeat()
        self.data = data
        x_scaler, self.y_scaler = Standardizer(), Standardizer()
        self.x = torch.from_numpy(x_scaler.fit_transform(data.train_x))
        self.y = torch.from_numpy(self.y_scaler.fit_transform(data.train_y))
        self.x_test = torch.from_numpy(x_scaler.fit_transform(data.test_x))
        self.net = HeatNet(self.x.shape[1])
        self.opt = torch.optim.SGD(self.net.parameters(), lr=lr, momentum=0.9, weight_decay=1e-5)
        self.sched = torch.optim.lr_scheduler.PolynomialLR(self.opt, total_iters=epochs, power=1.0)

    def step(self, xb, yb):
        self.opt.zero_grad()
        loss = F.mse_loss(self.net(xb), yb)
        loss.backward()
        self.opt.step()
        return loss.item()

    @torch.no_grad()
    def test_scores(self):
        self.net.eval()
        pred = self.y_scaler.inverse(self.net(self.x_test).numpy())
        self.net.train()
        err = pred - self.data.test_y
        mae = np.abs(err).mean()
        r2 = 1 - (err ** 2).sum() / ((self.data.test_y - self.data.test_y.mean()) ** 2).sum()
        return mae, np.sqrt((err ** 2).mean()), r2

    def run(self):
        print(f"fit on {len(self.x)} h, hold out {len(self.x_test)} h")
        for epoch in range(1, self.epochs + 1):
            perm = torch.randperm(len(self.x))
            losses = [self.step(self.x[i], self.y[i]) for i in perm.split(self.batch_size)]
            self.sched.step()
            mae, rmse, r2 = self.test_scores()
            print(f"{epoch:3d}: train mse {np.mean(losses):.4f} | held out MAE {mae:.3f} MW  RMSE {rmse:.3f} MW  R2 {r2:.3f}")


if __name__ == "__main__":
    torch.manual_seed(123)
    Experiment().run()
