# expects: nothing
"""Twelve-hour quantile forecast of the load of a small grid."""
import numpy as np
import torch
from torch import nn

HISTORY, HORIZON = 48, 12
TAUS = torch.tensor([0.1, 0.5, 0.9])


def simulate(hours, seed):
    rng = np.random.default_rng(seed)
    t = np.arange(hours)
    daily = 8 * np.sin(2 * np.pi * t / 24) + 3 * np.cos(4 * np.pi * t / 24)
    weekly = 3 * ((t // 24) % 7 < 5)
    drift, noise = np.zeros(hours), np.zeros(hours)
    sigma = 0.6 + 1.2 * (np.sin(2 * np.pi * t / 24 + 1) > 0)
    for i in range(1, hours):
        drift[i] = 0.97 * drift[i - 1] + 0.5 * rng.normal()
        noise[i] = 0.4 * noise[i - 1] + sigma[i] * rng.normal()
    return (40 + daily + weekly + drift + noise).astype(np.float32)


def windows(series):
    w = np.lib.stride_tricks.sliding_window_view(series, HISTORY + HORIZON)
    w = torch.from_numpy(w.copy())
    return w[:, :HISTORY], w[:, HISTORY:]


def pinball(pred, target):
    """pred (batch, horizon, quantile), target (batch, horizon)"""
    gap = target.unsqueeze(-1) - pred
    return torch.maximum(TAUS * gap, (TAUS - 1) * gap).mean()


class Forecaster(nn.Module):
    def __init__(self, hidden=64):
        super().__init__()
        self.conv = nn.Sequential(nn.Conv1d(1, 12, 5, padding=2), nn.ELU(), nn.Conv1d(12, 12, 5, padding=2, stride=2), nn.ELU())
        self.mlp = nn.Sequential(nn.Linear(12 * HISTORY // 2, hidden), nn.ELU(), nn.Linear(hidden, HORIZON * len(TAUS)))

    def forward(self, x):
        h = self.conv(x.unsqueeze(1)).flatten(1)
        return self.mlp(h).view(-1, HORIZON, len(TAUS))


def report(model, x, y, mu, sd):
    model.eval()
    with torch.no_grad():
        q = (model((x - mu) / sd) * sd + mu).numpy()
    model.train()
    truth, taus = y.numpy()[..., None], TAUS.numpy()
    e = truth - q
    score = np.where(e >= 0, taus * e, (taus - 1) * e).mean()
    covered = ((truth[..., 0] >= q[..., 0]) & (truth[..., 0] <= q[..., 2])).mean()
    return score, np.abs(e[..., 1]).mean(), covered


def train(steps=900, batch=64, lr=1.5e-3, seed=9):
    torch.manual_seed(seed)
    series = simulate(24 * 400, seed)
    cut = 24 * 300
    (xtr, ytr), (xte, yte) = windows(series[:cut]), windows(series[cut:])
    mu, sd = float(series[:cut].mean()), float(series[:cut].std())
    model = Forecaster()
    opt = torch.optim.RMSprop(model.parameters(), lr=lr, alpha=0.95)
    sched = torch.optim.lr_scheduler.StepLR(opt, steps // 3, gamma=0.3)
    avg = None
    queue = iter([])
    for step in range(1, steps + 1):
        rows = next(queue, None)
        if rows is None:
            queue = iter(torch.randperm(len(xtr)).split(batch))
            rows = next(queue)
        x, y = (xtr[rows] - mu) / sd, (ytr[rows] - mu) / sd
        loss = pinball(model(x), y)
        opt.zero_grad()
        loss.backward()
        opt.step()
        sched.step()
        avg = loss.item() if avg is None else 0.97 * avg + 0.03 * loss.item()
        if step % 150 == 0:
            s, mae, cov = report(model, xte, yte, mu, sd)
            print(f"{step:5d} loss {avg:.4f} | test pinball {s:.3f} median MAE {mae:.3f} 80% interval covers {cov:.2%}")
    return report(model, xte, yte, mu, sd)


if __name__ == "__main__":
    s, mae, cov = train()
    print(f"final test pinball {s:.4f}, median MAE {mae:.4f}, coverage {cov:.3f}")
