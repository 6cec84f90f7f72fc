# expects: nothing
# GRU that forecasts the load of a pumping station, mixed precision training loop
import math
import time

import numpy as np
import torch
from torch import nn

torch.manual_seed(17)
np.random.seed(17)

cfg = dict(window=36, horizon=1, hidden=48, batch=64, steps=700, lr=0.1, momentum=0.9, clip=1.0, amp_dtype=torch.bfloat16)

# ---- data -------------------------------------------------------------------------------------------------------
N = 6000
t = np.arange(N)
daily = np.sin(2 * np.pi * t / 24)
weekly = np.sin(2 * np.pi * t / 168 + 0.7)
ar = np.zeros(N)
for i in range(2, N):
    ar[i] = 1.2 * ar[i - 1] - 0.45 * ar[i - 2] + 0.15 * np.random.randn()
series = (300 + 80 * daily * (1 + 0.4 * weekly) + 60 * ar).astype(np.float32)

cut = int(N * 0.8)
mean, std = series[:cut].mean(), series[:cut].std()
z = torch.from_numpy((series - mean) / std)
train, valid = z[:cut], z[cut:]


def windows(s):
    w = s.unfold(0, cfg["window"] + cfg["horizon"], 1)
    return w[:, : cfg["window"], None].contiguous(), w[:, -1].contiguous()


xtr, ytr = windows(train)
xva, yva = windows(valid)


# ---- model ------------------------------------------------------------------------------------------------------
class Forecaster(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.rnn = nn.GRU(1, hidden, batch_first=True)
        self.head = nn.Linear(hidden, 1)

    def forward(self, x):
        out, _ = self.rnn(x)
        return self.head(out[:, -1]).squeeze(-1)


net = Forecaster(cfg["hidden"])
optimizer = torch.optim.SGD(net.parameters(), lr=cfg["lr"], momentum=cfg["momentum"])
scheduler = torch.optim.lr_scheduler.LambdaLR(
    optimizer, lambda k: min(1.0, (k + 1) / 50) * 0.5 * (1 + math.cos(math.pi * k / cfg["steps"])))
scaler = torch.amp.GradScaler("cpu", init_scale=2.0 ** 14)
huber = nn.SmoothL1Loss()


def validate():
    net.eval()
    with torch.no_grad():
        pred = torch.cat([net(b) for b in xva.split(256)])
    net.train()
    mae = (pred - yva).abs().mean().item() * std
    naive = (xva[:, -1, 0] - yva).abs().mean().item() * std
    return mae, naive


# ---- training ---------------------------------------------------------------------------------------------------
start = time.time()
running = None
for step in range(cfg["steps"]):
    idx = torch.randint(len(xtr), (cfg["batch"],))
    optimizer.zero_grad(set_to_none=True)
    with torch.autocast("cpu", dtype=cfg["amp_dtype"]):
        pred = net(xtr[idx])
    loss = huber(pred.float(), ytr[idx])

    scaler.scale(loss).backward()
    scaler.unscale_(optimizer)
    nn.utils.clip_grad_norm_(net.parameters(), cfg["clip"])
    scaler.step(optimizer)
    scaler.update()
    scheduler.step()

    running = loss.item() if running is None else 0.95 * running + 0.05 * loss.item()
    if (step + 1) % 100 == 0:
        mae, naive = validate()
        print(f"step {step + 1:4d}  loss {running:.4f}  val MAE {mae:.2f}  (persistence {naive:.2f})  {time.time() - start:.0f}s")
