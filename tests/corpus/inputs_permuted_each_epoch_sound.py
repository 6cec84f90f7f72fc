# sound: a plain loop over minibatches with one permutation for inputs and targets (Poisson regression of counts)
"""Bike rentals per hour (made up): Poisson regression with a small network."""
import numpy as np
import torch
from torch import nn


def rentals(n, rng):
    hour = rng.integers(0, 24, n)
    temperature = rng.normal(15, 8, n)
    rain = rng.random(n) < 0.2
    weekend = rng.random(n) < 0.28
    rush = np.exp(-((hour - 8) / 2.0) ** 2) + np.exp(-((hour - 18) / 2.5) ** 2)
    rate = np.exp(0.5 + 1.8 * rush * ~weekend + 0.6 * weekend * np.sin(hour / 24 * np.pi) + 0.03 * temperature - 0.9 * rain)
    counts = rng.poisson(rate)
    x = np.stack([np.sin(hour / 12 * np.pi), np.cos(hour / 12 * np.pi), np.sin(hour / 6 * np.pi), np.cos(hour / 6 * np.pi),
                  (temperature - 15) / 8, rain - 0.2, weekend - 0.28], 1)
    return x.astype(np.float32), counts.astype(np.float32)


class CountNet(nn.Module):
    def __init__(self, width=48):
        super().__init__()
        self.a, self.b, self.c = nn.Linear(7, width), nn.Linear(width, width), nn.Linear(width, 1)

    def forward(self, x):
        return self.c(torch.relu(self.b(torch.relu(self.a(x))))).flatten()


def deviance(log_rate, y):
    mu = log_rate.exp()
    return 2 * (torch.xlogy(y, y / mu) - (y - mu)).mean().item()


def main():
    rng = np.random.default_rng(0)
    torch.manual_seed(0)
    x, y = rentals(2000, rng)
    xt, yt = map(torch.from_numpy, rentals(500, rng))
    model = CountNet()
    loss_fn = nn.PoissonNLLLoss(log_input=True)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for epoch in range(10):
        perm = rng.permutation(len(x))
        x, y = x[perm], y[perm]
        total = 0.0
        for k in range(0, len(x), 50):
            xb, yb = torch.from_numpy(x[k:k + 50]), torch.from_numpy(y[k:k + 50])
            loss = loss_fn(model(xb), yb)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() / 40
        with torch.no_grad():
            out = model(xt)
            null = deviance(torch.full_like(yt, float(np.log(y.mean()))), yt)
        print(f"epoch {epoch}: loss {total:.4f} test deviance {deviance(out, yt):.3f} (constant model {null:.3f})")


if __name__ == "__main__":
    main()
