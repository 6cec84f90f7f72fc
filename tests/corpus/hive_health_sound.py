# expects: nothing
"""Predict a bee hive's weight gain from a sound spectrum and a daily temperature profile (24 values each)."""
import numpy as np
import torch
from torch import nn

BINS = 24


def observe(n, rng):
    vigour = rng.normal(0, 1, n)
    bloom = rng.normal(0, 1, n)
    f = np.arange(BINS)
    hum = np.exp(-((f - 9 - 2 * vigour[:, None]) / 3.0) ** 2) * np.exp(0.3 * vigour[:, None])
    sound = -62 + 14 * hum + rng.normal(0, 1.5, (n, BINS))
    day = np.sin(2 * np.pi * (f - 8) / 24)
    temp = 19 + 2.5 * bloom[:, None] + (4 + bloom[:, None]) * day + rng.normal(0, 1.2, (n, BINS))
    gain = 0.8 * vigour + 0.6 * bloom + 0.5 * vigour * bloom + rng.normal(0, 0.15, n)
    pack = lambda a: torch.tensor(a, dtype=torch.float32)
    return pack(sound), pack(temp), pack(gain)


def branch(width, out):
    norm = nn.BatchNorm1d(BINS)
    return nn.Sequential(norm, nn.Linear(BINS, width), nn.Tanh(), nn.Linear(width, out), nn.Tanh())


class HiveModel(nn.Module):
    def __init__(self, width=48, code=12):
        super().__init__()
        self.sound = branch(width, code)
        self.temp = branch(width, code)
        self.join = nn.Bilinear(code, code, 16)
        self.out = nn.Linear(16 + 2 * code, 1)

    def forward(self, sound, temp):
        s, t = self.sound(sound), self.temp(temp)
        z = torch.relu(self.join(s, t))
        return self.out(torch.cat([z, s, t], dim=1)).squeeze(1)


def r2(model, split):
    sound, temp, gain = split
    model.eval()
    with torch.no_grad():
        resid = gain - model(sound, temp)
    return 1 - (resid.var(unbiased=False) + resid.mean() ** 2).item() / gain.var(unbiased=False).item()


def fit(model, train, valid, epochs=30, batch=80):
    opt = torch.optim.Adamax(model.parameters(), lr=3e-3)
    n = len(train[0])
    for epoch in range(1, epochs + 1):
        model.train()
        running = 0.0
        order = torch.randperm(n)
        for lo in range(0, n, batch):
            sound, temp, gain = (part[order[lo:lo + batch]] for part in train)
            loss = nn.functional.mse_loss(model(sound, temp), gain)
            opt.zero_grad()
            loss.backward()
            opt.step()
            running += loss.item() * len(gain)
        if epoch % 5 == 0:
            print(f"epoch {epoch:2d}: train mse {running / n:.4f}, valid R2 {r2(model, valid):.3f}")


if __name__ == "__main__":
    torch.manual_seed(31)
    rng = np.random.default_rng(31)
    train, valid, test = observe(4800, rng), observe(800, rng), observe(1500, rng)
    model = HiveModel()
    fit(model, train, valid)
    print(f"test R2 {r2(model, test):.3f}")
