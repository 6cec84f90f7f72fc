# bug: on resume the optimizer state is not loaded, so momentum is empty and the recursive schedule starts again from the base rate (Job.load)
# expects: OPT033
"""Power-curve model trained in short allocations; each allocation resumes from the last checkpoint."""
import os
import tempfile

import numpy as np
import torch
import torch.nn as nn


def scada(n, rng):
    wind = rng.weibull(2.0, n) * 9
    direction = rng.uniform(-np.pi, np.pi, n)
    pitch = rng.uniform(0, 20, n)
    temp = rng.normal(10, 8, n)
    turb = rng.uniform(0.02, 0.25, n)
    air = 1.29 - 0.004 * temp
    cp = 0.45 * np.cos(np.radians(2.5 * pitch)) ** 2 * (1 - 1.2 * turb)
    wake = 1 - 0.3 * np.exp(-(np.sin(direction - 0.7) / 0.2) ** 2)
    power = 3 / (1 + np.exp(-(0.004 * air * cp * wake * wind ** 3 - 1.0) * 2.2))
    x = np.column_stack([wind, np.sin(direction), np.cos(direction), pitch, temp, turb])
    y = power + rng.normal(0, 0.6, n)
    return x.astype(np.float32), y.astype(np.float32), power.astype(np.float32)


class Job:
    def __init__(self, path, total_epochs):
        torch.manual_seed(31)
        self.path, self.total_epochs = path, total_epochs
        self.net = nn.Sequential(nn.Linear(6, 128), nn.ELU(), nn.Linear(128, 128), nn.ELU(), nn.Linear(128, 1))
        self.opt = torch.optim.SGD(self.net.parameters(), lr=0.05, momentum=0.9)
        self.sched = torch.optim.lr_scheduler.ExponentialLR(self.opt, gamma=0.8)
        self.epoch = 0
        if os.path.exists(path):
            self.load()

    def save(self):
        torch.save({
            "net": self.net.state_dict(),
            "opt": self.opt.state_dict(),
            "sched": self.sched.state_dict(),
            "epoch": self.epoch,
        }, self.path)

    def load(self):
        ck = torch.load(self.path, weights_only=True)
        self.net.load_state_dict(ck["net"])
        self.sched.load_state_dict(ck["sched"])
        self.epoch = ck["epoch"]
        print(f"resumed at epoch {self.epoch}")

    def run(self, x, y, allocation):
        stop = min(self.epoch + allocation, self.total_epochs)
        while self.epoch < stop:
            order = torch.randperm(len(x), generator=torch.Generator().manual_seed(1000 + self.epoch))
            self.net.train()
            losses = []
            for idx in order.split(32):
                self.opt.zero_grad()
                loss = nn.functional.mse_loss(self.net(x[idx]).squeeze(1), y[idx])
                loss.backward()
                self.opt.step()
                losses.append(loss.item())
            self.sched.step()
            self.epoch += 1
            print(f"epoch {self.epoch:2d}  train mse {np.mean(losses):.4f}")
            self.save()


def main():
    rng = np.random.default_rng(31)
    x_train, y_train, _ = scada(12000, rng)
    x_test, _, clean_test = scada(4000, rng)
    mean, std = x_train.mean(0), x_train.std(0)
    x_train = torch.from_numpy((x_train - mean) / std)
    x_test = torch.from_numpy((x_test - mean) / std)
    y_train = torch.from_numpy(y_train)

    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "job.pt")
        for allocation in range(9):
            print(f"allocation {allocation}")
            job = Job(path, total_epochs=18)
            job.run(x_train, y_train, allocation=2)

    job.net.eval()
    with torch.no_grad():
        pred = job.net(x_test).squeeze(1).numpy()
    rmse = float(np.sqrt(np.mean((pred - clean_test) ** 2)))
    print(f"test RMSE against the clean curve {rmse:.4f} MW")


if __name__ == "__main__":
    main()
