# bug: loss_fn averages the error over the horizon axis before squaring, so only the mean of the 24 hours is fitted
# expects: LOS056
from dataclasses import dataclass
import numpy as np
import torch
import torch.nn as nn


@dataclass
class Cfg:
    context: int = 72
    horizon: int = 24
    hidden: int = 48
    batch: int = 128
    steps: int = 900
    lr: float = 3e-3
    seed: int = 5


def make_load(n_hours, rng):
    h = np.arange(n_hours)
    day = np.sin(2 * np.pi * (h - 8) / 24) + 0.5 * np.sin(4 * np.pi * (h - 5) / 24)
    week = np.where((h // 24) % 7 >= 5, 0.55, 1.0)
    level = np.zeros(n_hours)
    for i in range(1, n_hours):
        level[i] = 0.995 * level[i - 1] + rng.normal(0, 0.04)
    return (10 + 2.5 * day * week + level + rng.normal(0, 0.15, n_hours)).astype(np.float32)


class Forecaster(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.rnn = nn.GRU(3, cfg.hidden, batch_first=True)
        self.out = nn.Linear(cfg.hidden, cfg.horizon)

    def forward(self, x):
        _, h = self.rnn(x)
        return self.out(h[-1])


class Windows:
    def __init__(self, series, clock, starts, cfg):
        self.series, self.clock, self.starts, self.cfg = series, clock, starts, cfg

    def gather(self, starts):
        c, k = self.cfg.context, self.cfg.horizon
        i = starts[:, None] + torch.arange(c)[None]
        j = starts[:, None] + c + torch.arange(k)[None]
        x = torch.cat([self.series[i].unsqueeze(-1), self.clock[i]], dim=-1)
        return x, self.series[j]

    def sample(self, n):
        return self.gather(self.starts[torch.randint(len(self.starts), (n,))])

    def everything(self):
        return self.gather(self.starts)


def loss_fn(pred, target):
    return (pred - target).mean(dim=1).pow(2).mean()


def evaluate(model, windows, scale):
    model.eval()
    x, y = windows.everything()
    with torch.no_grad():
        err = (model(x) - y) * scale
    return err.abs().mean().item(), err.pow(2).mean().sqrt().item()


def run(cfg):
    torch.manual_seed(cfg.seed)
    rng = np.random.default_rng(cfg.seed)
    load = make_load(24 * 7 * 60, rng)
    span = cfg.context + cfg.horizon
    split = int(len(load) * 0.8)
    mu, sd = load[:split].mean(), load[:split].std()
    series = torch.tensor((load - mu) / sd)
    hours = torch.arange(len(load))
    clock = torch.stack([torch.sin(2 * np.pi * hours / 24), torch.cos(2 * np.pi * hours / 24)], dim=-1)
    train = Windows(series, clock, torch.arange(0, split - span), cfg)
    test = Windows(series, clock, torch.arange(split, len(load) - span, 3), cfg)

    model = Forecaster(cfg)
    opt = torch.optim.RMSprop(model.parameters(), lr=cfg.lr, alpha=0.95)
    sched = torch.optim.lr_scheduler.LinearLR(opt, 1.0, 0.05, total_iters=cfg.steps)
    avg = None
    for step in range(1, cfg.steps + 1):
        model.train()
        x, y = train.sample(cfg.batch)
        loss = loss_fn(model(x), y)
        opt.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        opt.step()
        sched.step()
        avg = loss.item() if avg is None else 0.98 * avg + 0.02 * loss.item()
        if step % 150 == 0:
            mae, rmse = evaluate(model, test, float(sd))
            print(f"step {step:4d}  loss {avg:.4f}  held-out MAE {mae:.3f} MW  RMSE {rmse:.3f} MW")


if __name__ == "__main__":
    run(Cfg())
