# expects: nothing
"""Cutting-tool monitoring: one 1-D conv net, two heads (flank wear in um, failure mode)."""
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

MODES = ["healthy", "chipping", "built_up_edge", "chatter", "crater"]


@dataclass
class Config:
    n_train: int = 2400
    n_test: int = 1000
    length: int = 128
    batch_size: int = 48
    epochs: int = 12
    lr: float = 1e-3
    seed: int = 4


def simulate(n, length, rng):
    t = np.linspace(0, 1, length)
    mode = rng.integers(0, len(MODES), n)
    wear = rng.gamma(4.0, 55.0, n)
    x = np.zeros((n, 2, length))
    for i in range(n):
        amp = 0.6 + wear[i] / 220.0
        phase = rng.uniform(0, 2 * np.pi)
        force = amp * np.sin(2 * np.pi * 8 * t + phase)
        acc = 0.4 * amp * np.sin(2 * np.pi * 16 * t + 2 * phase)
        if mode[i] == 1:
            at = rng.integers(10, length - 10)
            acc[at:at + 4] += 1.4 * np.array([1, -1, 1, -1])
        elif mode[i] == 2:
            force += 0.45 * np.sign(np.sin(2 * np.pi * 3 * t + rng.uniform(0, 6)))
        elif mode[i] == 3:
            acc += 0.45 * np.sin(2 * np.pi * 37 * t + rng.uniform(0, 6))
        elif mode[i] == 4:
            acc += 0.45 * np.sin(2 * np.pi * 27 * t + rng.uniform(0, 6)) * t
        x[i, 0], x[i, 1] = force, acc
    x += rng.normal(0, 0.25, x.shape)
    return (torch.tensor(x, dtype=torch.float32), torch.tensor(wear, dtype=torch.float32),
            torch.tensor(mode))


class ToolNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.trunk = nn.Sequential(
            nn.Conv1d(2, 24, 7, padding=3), nn.ReLU(), nn.MaxPool1d(2),
            nn.Conv1d(24, 32, 5, padding=2), nn.ReLU(), nn.MaxPool1d(2),
            nn.Conv1d(32, 48, 5, padding=2), nn.ReLU(),
        )
        self.wear = nn.Sequential(nn.Linear(96, 48), nn.ReLU(), nn.Linear(48, 1))
        self.mode = nn.Linear(96, len(MODES))

    def forward(self, x):
        h = self.trunk(x)
        h = torch.cat([h.mean(-1), h.amax(-1)], dim=1)
        return self.wear(h).squeeze(1), self.mode(h)


class Trainer:
    def __init__(self, cfg):
        self.cfg = cfg
        rng = np.random.default_rng(cfg.seed)
        torch.manual_seed(cfg.seed)
        train = simulate(cfg.n_train, cfg.length, rng)
        test = simulate(cfg.n_test, cfg.length, rng)
        self.wear_mean, self.wear_std = train[1].mean(), train[1].std()
        self.train_loader = DataLoader(TensorDataset(*train), cfg.batch_size, shuffle=True)
        self.test_loader = DataLoader(TensorDataset(*test), 250)
        self.model = ToolNet()
        self.opt = torch.optim.Adam(self.model.parameters(), lr=cfg.lr)
        self.mse = nn.MSELoss()
        self.ce = nn.CrossEntropyLoss()

    def train_epoch(self):
        self.model.train()
        total = 0.0
        for x, wear, mode in self.train_loader:
            target = (wear - self.wear_mean) / self.wear_std
            wear_hat, mode_logits = self.model(x)
            loss = self.mse(wear_hat, target) + self.ce(mode_logits, mode)
            self.opt.zero_grad()
            loss.backward()
            self.opt.step()
            total += loss.item()
        return total / len(self.train_loader)

    @torch.no_grad()
    def evaluate(self):
        self.model.eval()
        err = hit = n = 0
        for x, wear, mode in self.test_loader:
            wear_hat, logits = self.model(x)
            err += (wear_hat * self.wear_std + self.wear_mean - wear).abs().sum().item()
            hit += (logits.argmax(1) == mode).sum().item()
            n += len(mode)
        return err / n, hit / n

    def fit(self):
        for epoch in range(1, self.cfg.epochs + 1):
            loss = self.train_epoch()
            mae, acc = self.evaluate()
            print(f"epoch {epoch:2d}  loss {loss:10.4f}  wear MAE {mae:6.1f} um  mode acc {acc:.3f}")


if __name__ == "__main__":
    Trainer(Config()).fit()
