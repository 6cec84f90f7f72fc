# bug: scale() takes the window mean/std over context plus horizon, so the inputs and the de-normalised forecast know the future level
# expects: DAT057
import copy
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn as nn
from scipy.signal import lfilter


@dataclass
class Config:
    feeders: int = 16
    hours: int = 2400
    context: int = 48
    horizon: int = 24
    hidden: int = 32
    batch: int = 64
    steps: int = 800
    lr: float = 2e-3
    eval_every: int = 100
    seed: int = 5


def simulate(cfg):
    """Hourly load of distribution feeders: daily cycle on a slowly wandering level (kW)."""
    rng = np.random.default_rng(cfg.seed)
    h = np.arange(cfg.hours)
    rows = []
    for _ in range(cfg.feeders):
        base = rng.uniform(200, 600)
        level = lfilter([1.0], [1.0, -0.997], rng.normal(0, 0.02, cfg.hours))
        phase = rng.uniform(0, 24)
        daily = 0.25 * np.sin(2 * np.pi * (h - phase) / 24) + 0.1 * np.sin(4 * np.pi * (h - phase) / 24)
        weekly = 0.08 * np.sin(2 * np.pi * h / 168)
        rows.append(base * (1.5 + daily + weekly + level + rng.normal(0, 0.03, cfg.hours)))
    return torch.tensor(np.stack(rows), dtype=torch.float32)


def make_windows(series, cfg, stride):
    """[feeders, time] -> [windows, context + horizon]"""
    return series.unfold(1, cfg.context + cfg.horizon, stride).reshape(-1, cfg.context + cfg.horizon)


def scale(window, cfg):
    """Instance normalisation, so that feeders of all sizes look alike."""
    mu = window.mean(dim=1, keepdim=True)
    sd = window.std(dim=1, keepdim=True).clamp_min(1e-3)
    z = (window - mu) / sd
    return z[:, :cfg.context], z[:, cfg.context:], mu, sd


class LoadForecaster(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.rnn = nn.GRU(1, cfg.hidden, batch_first=True)
        self.out = nn.Sequential(nn.Linear(cfg.hidden + 24, 96), nn.SiLU(), nn.Linear(96, cfg.horizon))

    def forward(self, past):
        _, h = self.rnn(past.unsqueeze(-1))
        return self.out(torch.cat([h[-1], past[:, -24:]], dim=1))


@torch.no_grad()
def mae_kw(model, windows, cfg):
    model.eval()
    total = 0.0
    for chunk in windows.split(512):
        past, _, mu, sd = scale(chunk, cfg)
        pred = model(past) * sd + mu
        total += (pred - chunk[:, cfg.context:]).abs().mean(1).sum().item()
    return total / len(windows)


def run(cfg):
    torch.manual_seed(cfg.seed)
    load = simulate(cfg)
    a, b = int(cfg.hours * 0.6), int(cfg.hours * 0.78)
    train = make_windows(load[:, :a], cfg, 2)
    val = make_windows(load[:, a:b], cfg, 6)
    test = make_windows(load[:, b:], cfg, 6)
    naive = (test[:, cfg.context - 24:cfg.context] - test[:, cfg.context:]).abs().mean().item()
    print(f"windows: train {len(train)}, val {len(val)}, test {len(test)}; seasonal naive MAE {naive:.2f} kW")

    model = LoadForecaster(cfg)
    opt = torch.optim.Adam(model.parameters(), lr=cfg.lr)
    sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, cfg.steps)
    best, best_state = float("inf"), None
    order, pos = torch.randperm(len(train)), 0
    running = 0.0
    for step in range(1, cfg.steps + 1):
        if pos + cfg.batch > len(train):
            order, pos = torch.randperm(len(train)), 0
        batch = train[order[pos:pos + cfg.batch]]
        pos += cfg.batch
        model.train()
        past, future, _, _ = scale(batch, cfg)
        loss = nn.functional.smooth_l1_loss(model(past), future)
        opt.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        opt.step()
        sched.step()
        running += loss.item()
        if step % cfg.eval_every == 0:
            v = mae_kw(model, val, cfg)
            print(f"step {step:5d}  loss {running / cfg.eval_every:.4f}  val MAE {v:.2f} kW")
            running = 0.0
            if v < best:
                best, best_state = v, copy.deepcopy(model.state_dict())
    model.load_state_dict(best_state)
    print(f"test MAE {mae_kw(model, test, cfg):.2f} kW  (seasonal naive {naive:.2f} kW)")


if __name__ == "__main__":
    run(Config())
