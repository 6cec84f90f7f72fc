# expects: nothing
# Twelve-step river level forecast from rain and past levels at four gauges.
import numpy as np
import torch
import torch.nn as nn

PAST, AHEAD, GAUGES = 36, 12, 4


def river(hours, seed):
    g = np.random.default_rng(seed)
    wet = np.zeros(hours)
    for t in range(1, hours):
        wet[t] = 0.9 * wet[t - 1] + (g.random() < 0.04) * g.gamma(2.0, 1.5)
    level = np.zeros((hours, GAUGES))
    for t in range(1, hours):
        inflow = wet[max(0, t - 6)]
        for k in range(GAUGES):
            source = inflow if k == 0 else level[t - 1, k - 1]
            level[t, k] = 0.85 * level[t - 1, k] + 0.15 * source
    tide = 0.35 * np.sin(2 * np.pi * np.arange(hours) / 12.4)
    level[:, 3] += tide
    level += g.normal(0, 0.02, level.shape)
    return np.column_stack([wet, level]).astype(np.float32)


class Forecast(nn.Module):
    def __init__(self, hidden=48):
        super().__init__()
        self.gru = nn.GRU(GAUGES + 1, hidden, batch_first=True)
        self.head = nn.Linear(hidden, AHEAD * GAUGES)

    def forward(self, x):
        _, h = self.gru(x)
        now = x[:, -1, 1:]
        return now[:, None] + self.head(h[-1]).view(-1, AHEAD, GAUGES)


def windows(series):
    w = torch.from_numpy(series).unfold(0, PAST + AHEAD, 1).transpose(1, 2)
    return w[:, :PAST].contiguous(), w[:, PAST:, 1:].contiguous()


def horizon_loss(pred, true):
    err = pred - true
    return err.square().mean(dim=1).mean()


def rmse_by_step(net, x, y):
    net.eval()
    with torch.no_grad():
        err = torch.cat([net(a) - b for a, b in zip(x.split(500), y.split(500))])
    return err.square().mean(dim=(0, 2)).sqrt()


torch.manual_seed(13)
data = river(9000, seed=13)
fit, hold = data[:7000], data[7000:]
mu, sd = fit.mean(0), fit.std(0)
x_fit, y_fit = windows((fit - mu) / sd)
x_hold, y_hold = windows((hold - mu) / sd)

net = Forecast()
opt = torch.optim.NAdam(net.parameters(), lr=2e-3)
epochs, size = 9, 64
sched = torch.optim.lr_scheduler.PolynomialLR(opt, total_iters=epochs * -(-len(x_fit) // size), power=1.0)

for epoch in range(epochs):
    net.train()
    total = 0.0
    for idx in torch.randperm(len(x_fit)).split(size):
        loss = horizon_loss(net(x_fit[idx]), y_fit[idx])
        opt.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        opt.step()
        sched.step()
        total += loss.item() * len(idx)
    steps = rmse_by_step(net, x_hold, y_hold)
    print(f"epoch {epoch}: train {total / len(x_fit):.4f}  held-out rmse {steps.square().mean().sqrt():.4f} "
          f"(1h {steps[0]:.3f}, 6h {steps[5]:.3f}, 12h {steps[11]:.3f})")

flat = (x_hold[:, -1:, 1:] - y_hold).square().mean().sqrt()
print(f"persistence rmse {flat:.4f}")
