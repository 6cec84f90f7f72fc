# expects: nothing
"""Predict the heat loss of a boiler house from hourly readings; keeps a journal of the training."""
import json
import os

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(6)
rng = np.random.default_rng(6)


class Journal:
    """One JSON line per record, safe on disk, so that a crash loses nothing."""

    def __init__(self, path):
        self.file = open(path, "w")

    def write(self, **record):
        self.file.write(json.dumps(record) + "\n")
        self.file.flush()
        os.fsync(self.file.fileno())

    def close(self):
        self.file.close()


def health(model):
    report = {}
    for name, p in model.named_parameters():
        report[name] = dict(w_norm=p.detach().norm().item(), w_max=p.detach().abs().max().item(),
                            g_norm=p.grad.norm().item(), g_mean=p.grad.mean().item(), g_std=p.grad.std(unbiased=False).item(),
                            g_hist=torch.histc(p.grad, 16).tolist())
    return report


def readings(n):
    outside = rng.normal(5, 9, n)
    wind = rng.gamma(2.0, 2.0, n)
    flow = rng.uniform(20, 90, n)
    supply = 45 + rng.uniform(0, 40, n)
    hour = rng.integers(0, 24, n)
    valve = rng.integers(0, 2, n)
    sun = np.clip(np.sin((hour - 6) / 12 * np.pi), 0, None) * rng.uniform(0, 1, n)
    loss = 0.02 * flow * (supply - outside) * (1 + 0.05 * wind) / (1 + 0.5 * valve) - 15 * sun + rng.normal(0, 6, n)
    x = np.stack([outside, wind, flow, supply, np.sin(hour / 24 * 2 * np.pi), np.cos(hour / 24 * 2 * np.pi), valve, sun], 1)
    return x.astype(np.float32), loss.astype(np.float32)


class Block(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.norm = nn.LayerNorm(d)
        self.up = nn.Linear(d, 2 * d)
        self.down = nn.Linear(2 * d, d)

    def forward(self, x):
        return x + self.down(torch.nn.functional.gelu(self.up(self.norm(x))))


X, y = readings(6000)
cut = 4800
x_mean, x_std = X[:cut].mean(0), X[:cut].std(0)
y_mean, y_std = y[:cut].mean(), y[:cut].std()
X = torch.from_numpy((X - x_mean) / x_std)
t = torch.from_numpy((y - y_mean) / y_std)

train = DataLoader(TensorDataset(X[:cut], t[:cut]), batch_size=80, shuffle=True)
model = nn.Sequential(nn.Linear(8, 32), *[Block(32) for _ in range(6)], nn.LayerNorm(32), nn.Linear(32, 1))

epochs = 12
opt = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=1e-2)
sched = torch.optim.lr_scheduler.OneCycleLR(opt, max_lr=2e-3, total_steps=epochs * len(train))
journal = Journal("journal.jsonl")
every = max(1, epochs * len(train) // 20)

step = 0
for epoch in range(1, epochs + 1):
    model.train()
    epoch_loss = torch.zeros(())
    for xb, tb in train:
        loss = nn.functional.mse_loss(model(xb).squeeze(1), tb)
        opt.zero_grad()
        loss.backward()
        opt.step()
        sched.step()
        epoch_loss += loss.detach()
        step += 1
        if step % every == 0:
            journal.write(step=step, lr=sched.get_last_lr()[0], loss=loss.item(), health=health(model))
            print(f"  step {step:4d}  loss {loss.item():.4f}", flush=True)
    model.eval()
    with torch.no_grad():
        pred = model(X[cut:]).squeeze(1)
        rmse = (pred - t[cut:]).square().mean().sqrt() * y_std
        r2 = 1 - (pred - t[cut:]).square().sum() / (t[cut:] - t[cut:].mean()).square().sum()
    print(f"epoch {epoch:2d}  train loss {epoch_loss / len(train):.4f}  valid RMSE {rmse:.2f} kW  R2 {r2:.4f}")
journal.close()
