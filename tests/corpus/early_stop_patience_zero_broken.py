# bug: early stopping with a patience of 1 on a noisy metric ends the training after a few epochs
# expects: TRN015
from dataclasses import dataclass
from typing import Optional

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


@dataclass
class EarlyStopping:
    patience: int
    best: Optional[float] = None
    bad: int = 0

    def __call__(self, value: float) -> bool:
        if self.best is None or value < self.best:
            self.best, self.bad = value, 0
        else:
            self.bad += 1
        return self.bad >= self.patience


def chirps(n, rng):
    """Estimate the sweep rate of a short noisy chirp."""
    t = np.linspace(0, 1, 40)
    rate = rng.uniform(1, 6, (n, 1))
    phase = rng.uniform(0, 2 * np.pi, (n, 1))
    s = np.sin(2 * np.pi * rate * t + phase) + rng.normal(0, 0.2, (n, 40))
    return torch.tensor(s, dtype=torch.float32), torch.tensor((rate - 3.5) / 1.44, dtype=torch.float32)


class RateNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.seq = nn.Sequential(nn.Linear(40, 128), nn.ReLU(), nn.Dropout(0.1), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 1))

    def forward(self, s):
        return self.seq(s)


@torch.no_grad()
def mse_of(net, x, y):
    net.eval()
    return nn.functional.mse_loss(net(x), y).item()


rng = np.random.default_rng(5)
torch.manual_seed(5)
x, y = chirps(3000, rng)
xv, yv = chirps(24, rng)      # few labelled validation clips
xt, yt = chirps(1000, rng)
loader = DataLoader(TensorDataset(x[:2400], y[:2400]), batch_size=60, shuffle=True)
net = RateNet()
opt = torch.optim.Adam(net.parameters(), lr=2e-3)
stopper = EarlyStopping(patience=1)
for epoch in range(25):
    for s, r in loader:
        net.train()
        loss = nn.functional.mse_loss(net(s), r)
        opt.zero_grad()
        loss.backward()
        opt.step()
    v = mse_of(net, xv, yv)
    print(f"epoch {epoch:2d} train {loss.item():.4f} validation {v:.4f}")
    if stopper(v):
        print("stopped early")
        break
print(f"test mse {mse_of(net, xt, yt):.4f}")
