# bug: Adam's betas are swapped or otherwise nonsensical.
# expects: OPT022
# Forecasting hourly electricity demand with a GRU: 48 hours in, the next 6 hours out.
import math
import types

import torch
from torch import nn

hp = types.SimpleNamespace(lookback=48, horizon=6, hidden=40, batch=64, steps=450, lr=3e-3,
                           betas=(0.999, 0.9), seed=17)

torch.manual_seed(hp.seed)

# %% two years of demand
hours = torch.arange(24 * 700, dtype=torch.float32)
daily = torch.sin(2 * math.pi * hours / 24) + 0.5 * torch.sin(4 * math.pi * hours / 24 + 0.7)
weekend = ((hours // 24) % 7 >= 5).float()
season = 0.6 * torch.cos(2 * math.pi * hours / (24 * 365))
weather = torch.zeros_like(hours)
shock = torch.randn(len(hours)) * 0.12
for i in range(1, len(hours)):
    weather[i] = 0.97 * weather[i - 1] + shock[i]
demand = (1 - 0.35 * weekend) * (2 + daily) + season + weather + 0.05 * torch.randn(len(hours))

# %% windows
windows = demand.unfold(0, hp.lookback + hp.horizon, 1)
cut = int(0.85 * len(windows))
mu, sd = demand[:cut].mean(), demand[:cut].std()
windows = (windows - mu) / sd
train_w, valid_w = windows[:cut], windows[cut + hp.lookback + hp.horizon::5]


# %% model
class Forecaster(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.GRU(1, hp.hidden, batch_first=True)
        self.proj = nn.Linear(hp.hidden, hp.horizon)

    def forward(self, past):
        _, h = self.rnn(past.unsqueeze(-1))
        return past[:, -1:] + self.proj(h[-1])


net = Forecaster()
opt = torch.optim.Adam(net.parameters(), lr=hp.lr, betas=hp.betas)
huber = nn.SmoothL1Loss()

# %% fit
running = 0.0
for step in range(1, hp.steps + 1):
    w = train_w[torch.randint(0, len(train_w), (hp.batch,))]
    past, future = w[:, :hp.lookback], w[:, hp.lookback:]
    loss = huber(net(past), future)
    opt.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(net.parameters(), 5.0)
    opt.step()
    running += loss.item()
    if step % 75 == 0:
        with torch.no_grad():
            vp, vf = valid_w[:, :hp.lookback], valid_w[:, hp.lookback:]
            mae = (net(vp) - vf).abs().mean().item()
            naive = (vp[:, -24:-24 + hp.horizon] - vf).abs().mean().item()
        print(f"step {step:4d}  train {running / 75:.4f}  valid MAE {mae:.3f}  (yesterday's values: {naive:.3f})")
        running = 0.0
