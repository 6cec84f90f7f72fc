# expects: nothing
"""Train a soil-moisture model on a preemptible queue: every leg gets a few epochs, then the job is resumed from disk."""
import math
import os
import tempfile

import numpy as np
import torch
import torch.nn as nn

EPOCHS = 48
EPOCHS_PER_LEG = 6
SHARD_ROWS = 1500
BATCH = 32
PEAK_LR = 0.02
FEATURES = 14


def moisture(x):
    a = np.sin(2.0 * x[:, 0]) * x[:, 1] + 0.8 * np.tanh(2 * x[:, 2] - x[:, 3])
    b = 0.6 * x[:, 4] * (x[:, 5] > 0) + 0.4 * np.abs(x[:, 6]) - 0.3 * x[:, 7] * x[:, 8]
    return a + b


def read_shard(number, rows=SHARD_ROWS):
    r = np.random.default_rng(9000 + number)
    x = r.normal(size=(rows, FEATURES))
    y = moisture(x) + r.normal(0, 0.5, rows)
    return torch.tensor(x, dtype=torch.float32), torch.tensor(y, dtype=torch.float32)[:, None]


def lr_at(progress):
    if progress < 0.1:
        return PEAK_LR * progress / 0.1
    return PEAK_LR * 0.5 * (1 + math.cos(math.pi * (progress - 0.1) / 0.9))


class Run:
    def __init__(self, path, seed):
        torch.manual_seed(seed)
        self.path = path
        self.net = nn.Sequential(
            nn.Linear(FEATURES, 128), nn.ELU(), nn.Linear(128, 128), nn.ELU(), nn.Linear(128, 1))
        self.opt = torch.optim.SGD(self.net.parameters(), lr=PEAK_LR, momentum=0.9)
        self.epoch = 0
        if os.path.exists(path):
            self.restore()

    def save(self):
        torch.save({"net": self.net.state_dict(), "opt": self.opt.state_dict(), "epoch": self.epoch}, self.path)

    def restore(self):
        state = torch.load(self.path)
        self.net.load_state_dict(state["net"])
        self.opt.load_state_dict(state["opt"])
        self.epoch = state["epoch"]
        print(f"resumed from {os.path.basename(self.path)}")

    def train_epoch(self):
        x, y = read_shard(self.epoch)
        order = torch.randperm(len(x))
        batches = order.split(BATCH)
        total = 0.0
        self.net.train()
        for i, idx in enumerate(batches):
            for group in self.opt.param_groups:
                group["lr"] = lr_at((self.epoch + i / len(batches)) / EPOCHS)
            loss = nn.functional.mse_loss(self.net(x[idx]), y[idx])
            self.opt.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(self.net.parameters(), 5.0)
            self.opt.step()
            total += loss.item() * len(idx)
        self.epoch += 1
        return total / len(x)

    @torch.no_grad()
    def validate(self, x, y):
        self.net.eval()
        return nn.functional.mse_loss(self.net(x), y).item()


def leg(path, number, held):
    run = Run(path, seed=100 + number)
    for _ in range(EPOCHS_PER_LEG):
        if run.epoch >= EPOCHS:
            break
        loss = run.train_epoch()
        print(f"leg {number} train mse {loss:.4f} held-out mse {run.validate(*held):.4f}")
        run.save()


def main():
    held = read_shard(-1, rows=3000)
    with tempfile.TemporaryDirectory() as tmp:
        path = os.path.join(tmp, "last.pt")
        for number in range(EPOCHS // EPOCHS_PER_LEG):
            leg(path, number, held)
        final = Run(path, seed=0)
        variance = held[1].var().item()
        mse = final.validate(*held)
        print(f"final held-out mse {mse:.4f}  R2 {1 - mse / variance:.4f}")


if __name__ == "__main__":
    main()
