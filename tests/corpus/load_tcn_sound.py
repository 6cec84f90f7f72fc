# expects: nothing
# %% [markdown]
# Hourly load of a small grid: one-step TCN, then a 24 h free-running forecast.

# %%
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(5)
rng = np.random.default_rng(5)

# %% data
hours = np.arange(24 * 400)
day = 2 * np.pi * hours / 24
week = 2 * np.pi * hours / 168
shock = np.zeros(len(hours))
for i in range(1, len(hours)):
    shock[i] = 0.9 * shock[i - 1] + rng.normal(0, 1.6)
load = 60 + 14 * np.sin(day - 2) + 5 * np.sin(2 * day) + 6 * np.sin(week) + shock + rng.normal(0, 0.5, len(hours))

cut = 24 * 320
mu, sd = load[:cut].mean(), load[:cut].std()
series = torch.tensor((load - mu) / sd, dtype=torch.float32)
train, test = series[:cut], series[cut:]
CONTEXT, AHEAD = 96, 24


# %% model
class CausalConv(nn.Module):
    def __init__(self, cin, cout, k, dilation):
        super().__init__()
        self.pad = (k - 1) * dilation
        self.conv = nn.Conv1d(cin, cout, k, dilation=dilation)

    def forward(self, x):
        return self.conv(F.pad(x, (self.pad, 0)))


class Block(nn.Module):
    def __init__(self, c, k, dilation):
        super().__init__()
        self.a = CausalConv(c, c, k, dilation)
        self.b = CausalConv(c, c, k, dilation)

    def forward(self, x):
        return x + self.b(F.gelu(self.a(F.gelu(x))))


class TCN(nn.Module):
    def __init__(self, c=32, k=3, levels=5):
        super().__init__()
        self.inp = nn.Conv1d(1, c, 1)
        self.blocks = nn.Sequential(*[Block(c, k, 2 ** i) for i in range(levels)])
        self.out = nn.Conv1d(c, 1, 1)

    def forward(self, x):                      # (B, T) -> (B, T), prediction of the next hour
        return self.out(F.gelu(self.blocks(self.inp(x.unsqueeze(1))))).squeeze(1)


net = TCN()
opt = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=1e-2)
STEPS = 500
sched = torch.optim.lr_scheduler.OneCycleLR(opt, max_lr=2e-3, total_steps=STEPS)


def windows(s, starts, length):
    return torch.stack([s[i:i + length] for i in starts])


# %% evaluation
@torch.no_grad()
def one_step_mse(s):
    net.eval()
    w = windows(s, range(0, len(s) - CONTEXT - 1, 24), CONTEXT + 1)
    half = CONTEXT // 2
    return F.mse_loss(net(w[:, :-1])[:, half:], w[:, 1:][:, half:]).item()


@torch.no_grad()
def forecast_mae(s):
    net.eval()
    w = windows(s, range(0, len(s) - CONTEXT - AHEAD, 24), CONTEXT + AHEAD)
    hist = w[:, :CONTEXT]
    for _ in range(AHEAD):
        nxt = net(hist[:, -CONTEXT:])[:, -1:]
        hist = torch.cat([hist, nxt], dim=1)
    err = (hist[:, CONTEXT:] - w[:, CONTEXT:]).abs() * sd
    return err.mean().item(), err[:, 0].mean().item()


# %% train
hist = []
for step in range(1, STEPS + 1):
    net.train()
    starts = torch.randint(0, len(train) - CONTEXT - 1, (32,)).tolist()
    w = windows(train, starts, CONTEXT + 1)
    loss = F.mse_loss(net(w[:, :-1]), w[:, 1:])
    opt.zero_grad()
    loss.backward()
    opt.step()
    sched.step()
    hist.append(loss.item())
    if step % 100 == 0:
        day_mae, hour_mae = forecast_mae(test)
        print(f"step {step:4d} | train mse {np.mean(hist[-100:]):.4f} | test one-step mse {one_step_mse(test):.4f} "
              f"| forecast MAE next hour {hour_mae:.2f} MW, 24 h {day_mae:.2f} MW")

# %%
w = windows(test, range(0, len(test) - CONTEXT - AHEAD, 24), CONTEXT + AHEAD)
naive = (w[:, CONTEXT:] - w[:, CONTEXT - 24:CONTEXT]).abs().mean().item() * sd
print(f"same hour yesterday: {naive:.2f} MW")
