# bug: StatsPool takes sqrt of a variance that is exactly 0 for channels that are constant over a whole clip, so the gradient and then all weights become NaN
# expects: NUM001
import logging
import sys

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

logging.basicConfig(stream=sys.stdout, level=logging.INFO, format="%(asctime)s %(name)s: %(message)s", datefmt="%H:%M:%S")
log = logging.getLogger("birdcall")


def make_calls(n, n_species=8, bands=20, frames=48, seed=0):
    """Noise-gated band energies of short clips.  Species differ in sweep rate and in how unsteady the tone is."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, n_species, n)
    band = np.arange(bands)[None, None, :]
    t = np.arange(frames)[None, :]
    rate = np.array([0.05, 0.10, 0.16, 0.24])[y % 4][:, None]
    depth = np.array([1.5, 3.5])[y // 4][:, None]
    centre = rng.uniform(6, 14, (n, 1)) + depth * np.sin(2 * np.pi * rate * t + rng.uniform(0, 6.28, (n, 1)))
    loud = rng.lognormal(np.log(1.7), 0.4, (n, 1, 1))
    x = loud * np.exp(-0.5 * ((band - centre[:, :, None]) / 1.2) ** 2) + rng.normal(0, 0.3, (n, frames, bands))
    x[x < 1.0] = 0.0
    return x.transpose(0, 2, 1).astype(np.float32), y


class StatsPool(nn.Module):
    """Mean and standard deviation over time, as in x-vector networks."""

    def forward(self, h):
        mean = h.mean(dim=2)
        var = (h - mean.unsqueeze(2)).pow(2).mean(dim=2)
        return torch.cat([mean, torch.sqrt(var)], dim=1)


class CallNet(nn.Module):
    def __init__(self, bands, n_species, ch=40):
        super().__init__()
        self.frame = nn.Sequential(
            nn.Conv1d(bands, ch, 5, padding=2), nn.ReLU(), nn.BatchNorm1d(ch),
            nn.Conv1d(ch, ch, 5, padding=4, dilation=2), nn.ReLU(), nn.BatchNorm1d(ch),
            nn.Conv1d(ch, ch, 3, padding=3, dilation=3), nn.ReLU(), nn.BatchNorm1d(ch),
        )
        self.pool = StatsPool()
        self.segment = nn.Sequential(nn.Linear(2 * ch, 64), nn.ReLU(), nn.Linear(64, n_species))

    def forward(self, x):
        return self.segment(self.pool(self.frame(x)))


class Experiment:
    epochs = 12
    lr = 2e-3

    def __init__(self):
        torch.manual_seed(12)
        x, y = make_calls(3600, seed=12)
        cut = 2700
        x = torch.from_numpy(x / x[:cut].std())
        y = torch.from_numpy(y)
        self.train_loader = DataLoader(TensorDataset(x[:cut], y[:cut]), batch_size=50, shuffle=True)
        self.test_loader = DataLoader(TensorDataset(x[cut:], y[cut:]), batch_size=300)
        self.net = CallNet(x.shape[1], 8)
        self.opt = torch.optim.NAdam(self.net.parameters(), lr=self.lr)
        self.plateau = torch.optim.lr_scheduler.StepLR(self.opt, 4, gamma=0.5)
        self.ce = nn.CrossEntropyLoss(label_smoothing=0.05)

    def fit(self):
        for epoch in range(self.epochs):
            self.net.train()
            total = 0.0
            for x, y in self.train_loader:
                self.opt.zero_grad()
                loss = self.ce(self.net(x), y)
                loss.backward()
                self.opt.step()
                total += loss.item()
            self.plateau.step()
            log.info("epoch %d loss %.4f test accuracy %.4f", epoch + 1, total / len(self.train_loader), self.test())

    @torch.no_grad()
    def test(self):
        self.net.eval()
        hits = total = 0
        for x, y in self.test_loader:
            hits += (self.net(x).argmax(dim=1) == y).sum().item()
            total += len(y)
        return hits / total


if __name__ == "__main__":
    Experiment().fit()
