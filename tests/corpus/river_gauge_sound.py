# expects: nothing
import numpy as np
import torch
from torch import nn

HPARAMS = dict(window=36, hidden=32, batch=64, lr=0.005, momentum=0.9, iters=1500, seed=5)


def simulate_river(hours, rng):
    rain = rng.gamma(0.3, 2.0, hours) * (rng.random(hours) < 0.15)
    soil = np.zeros(hours)
    level = np.zeros(hours)
    for t in range(1, hours):
        soil[t] = 0.96 * soil[t - 1] + rain[t]
        runoff = max(0.0, soil[t - 1] - 4.0) * 0.15
        level[t] = 0.93 * level[t - 1] + runoff + 0.02 * rng.normal()
    return np.stack([rain, level], 1).astype(np.float32)


class Gauge(nn.Module):
    """Encodes the past window with strided convolutions, predicts the level six hours ahead."""

    def __init__(self, hidden):
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv1d(2, hidden, 5, padding=2), nn.ReLU(),
            nn.Conv1d(hidden, hidden, 3, stride=2, padding=1), nn.ReLU(),
            nn.Conv1d(hidden, hidden, 3, stride=2, padding=1), nn.ReLU(),
            nn.Flatten(), nn.Linear(hidden * 9, 64), nn.ReLU(), nn.Linear(64, 1),
        )

    def forward(self, x):
        return self.net(x).squeeze(-1)


def windows(series, start, stop, width, lead=6):
    idx = np.arange(start, stop - width - lead)
    x = np.stack([series[i:i + width].T for i in idx])
    y = series[idx + width + lead - 1, 1]
    return torch.from_numpy(x), torch.from_numpy(y)


def batches(x, y, size, gen):
    while True:
        order = torch.randperm(len(x), generator=gen)
        for i in range(0, len(x) - size + 1, size):
            j = order[i:i + size]
            yield x[j], y[j]


def r2(model, x, y):
    with torch.no_grad():
        pred = model(x)
    return (1 - ((pred - y) ** 2).mean() / y.var(unbiased=False)).item()


def main(hp):
    torch.manual_seed(hp["seed"])
    rng = np.random.default_rng(hp["seed"])
    series = simulate_river(9000, rng)
    cut = 7000
    mu, sd = series[:cut].mean(0), series[:cut].std(0)
    series = (series - mu) / sd
    x_tr, y_tr = windows(series, 0, cut, hp["window"])
    x_te, y_te = windows(series, cut, len(series), hp["window"])

    model = Gauge(hp["hidden"])
    opt = torch.optim.SGD(model.parameters(), lr=hp["lr"], momentum=hp["momentum"])
    stream = batches(x_tr, y_tr, hp["batch"], torch.Generator().manual_seed(1))
    window_loss = []
    for it in range(1, hp["iters"] + 1):
        xb, yb = next(stream)
        loss = nn.functional.mse_loss(model(xb), yb)
        opt.zero_grad()
        loss.backward()
        opt.step()
        window_loss.append(loss.item())
        if it % 150 == 0:
            print(f"iter {it:5d}  train mse {np.mean(window_loss[-150:]):.4f}  test R2 {r2(model, x_te, y_te):.4f}")
    print(f"final test R2: {r2(model, x_te, y_te):.4f}")


main(HPARAMS)
