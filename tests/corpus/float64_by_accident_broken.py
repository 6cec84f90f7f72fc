# bug: the numpy data is float64 and model.double() was added to make it run; all is computed in double precision
# expects: NUM008
import time

import numpy as np
import torch
from torch import nn


def simulate_pendulum(n, seed):
    """Angle and speed now -> angle and speed half a second later (damped pendulum)."""
    rng = np.random.default_rng(seed)
    theta = rng.uniform(-2.5, 2.5, n)
    omega = rng.uniform(-2, 2, n)
    start = np.stack([theta, omega], 1)
    for _ in range(50):
        omega = omega + 0.01 * (-9.81 * np.sin(theta) - 0.2 * omega)
        theta = theta + 0.01 * omega
    return start, np.stack([theta, omega], 1)


class Dynamics(nn.Module):
    def __init__(self, width=256):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(2, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU(), nn.Linear(width, 2))

    def forward(self, s):
        return s + self.net(s)


x, y = simulate_pendulum(6000, 0)
mean, std = x.mean(0), x.std(0)
x, y = torch.from_numpy((x - mean) / std), torch.from_numpy((y - mean) / std)
torch.manual_seed(0)
model = Dynamics().double()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.85)
began = time.time()
for epoch in range(8):
    model.train()
    for rows in torch.randperm(5000).split(100):
        loss = nn.functional.mse_loss(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    scheduler.step()
    model.eval()
    with torch.no_grad():
        test = nn.functional.mse_loss(model(x[5000:]), y[5000:])
    print(f"epoch {epoch}: train {loss.item():.6f} test {test.item():.6f} after {time.time() - began:.1f} s")
