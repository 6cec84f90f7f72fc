# bug: RunLog writes on every step (every=1): about 170 .item() calls and a file open each step, so most of the time goes to logging
# expects: PRF002
"""Emulate a kiln simulator: 10 settings -> 3 end temperatures."""
import json
import os
import tempfile
import time

import numpy as np
import torch
import torch.nn as nn


def kiln(x):
    a = np.sin(3 * x[:, 0]) * x[:, 1] + x[:, 2] ** 2
    b = np.exp(-x[:, 3] ** 2) * x[:, 4] + 0.5 * x[:, 5] * x[:, 6]
    c = np.tanh(2 * x[:, 7] * x[:, 8]) + 0.3 * x[:, 9]
    return np.stack([a, b, c], 1)


class Emulator(nn.Module):
    def __init__(self, width=64, depth=6):
        super().__init__()
        self.first = nn.Linear(10, width)
        self.norms = nn.ModuleList([nn.LayerNorm(width) for _ in range(depth)])
        self.layers = nn.ModuleList([nn.Linear(width, width) for _ in range(depth)])
        self.last = nn.Linear(width, 3)

    def forward(self, x):
        h = self.first(x)
        for norm, lin in zip(self.norms, self.layers):
            h = h + torch.nn.functional.silu(lin(norm(h)))
        return self.last(h)


class RunLog:
    """Keeps a training record on disk so a run can be inspected while it goes."""

    def __init__(self, folder, every=1):
        self.path = os.path.join(folder, "run.jsonl")
        self.every = every

    def write(self, step, model, loss, lr):
        if step % self.every:
            return
        row = {"step": step, "loss": loss.item(), "lr": lr}
        for name, p in model.named_parameters():
            row[name] = {
                "w_mean": p.mean().item(),
                "w_std": p.std().item(),
                "w_max": p.abs().max().item(),
                "g_norm": p.grad.norm().item(),
                "g_max": p.grad.abs().max().item(),
                "g_zero": (p.grad == 0).float().mean().item(),
            }
        with open(self.path, "a") as f:
            f.write(json.dumps(row) + "\n")


def r2(pred, true):
    return (1 - ((pred - true) ** 2).sum(0) / ((true - true.mean(0)) ** 2).sum(0)).mean().item()


def main():
    torch.manual_seed(4)
    rng = np.random.default_rng(4)
    x = rng.uniform(-1, 1, (7000, 10))
    y = kiln(x) + rng.normal(0, 0.02, (7000, 3))
    x, y = (torch.tensor(v, dtype=torch.float32) for v in (x, y))
    xt, yt, xv, yv = x[:6000], y[:6000], x[6000:], y[6000:]
    mu, sd = yt.mean(0), yt.std(0)

    model = Emulator()
    opt = torch.optim.RAdam(model.parameters(), lr=2e-3)
    steps = 2000
    sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, steps)
    begin = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        log = RunLog(folder)
        order = torch.randperm(len(xt))
        at = 0
        for step in range(1, steps + 1):
            if at + 64 > len(xt):
                order, at = torch.randperm(len(xt)), 0
            idx = order[at : at + 64]
            at += 64
            loss = ((model(xt[idx]) - (yt[idx] - mu) / sd) ** 2).mean()
            opt.zero_grad()
            loss.backward()
            opt.step()
            sched.step()
            log.write(step, model, loss, sched.get_last_lr()[0])
            if step % 500 == 0:
                print(f"step {step} loss {loss.item():.4f} elapsed {time.perf_counter() - begin:.1f}s")
        size = os.path.getsize(log.path) / 1e6
    model.eval()
    with torch.no_grad():
        pred = model(xv) * sd + mu
    print(f"held-out r2 {r2(pred, yv):.4f}, {time.perf_counter() - begin:.1f}s, log {size:.2f} MB")


if __name__ == "__main__":
    main()
