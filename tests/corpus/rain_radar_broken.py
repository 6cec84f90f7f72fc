# bug: PowerLaw raises exactly-zero echoes to a power below one: infinite slope at zero gives NaN gradients, so the finite-norm check skips every step
# expects: NUM010
# Hourly rain amount at a gauge from a 5x5 radar neighbourhood and two weather covariates.
import math

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.nn.utils import clip_grad_norm_

torch.manual_seed(19)

PIXELS = 25


def sample_hours(n):
    wet = torch.rand(n) < 0.6
    intensity = torch.where(wet, torch.distributions.Gamma(1.6, 0.5).sample((n,)), torch.zeros(n))
    attenuation = torch.rand(n)
    wind = torch.randn(n)
    echo = 40.0 * (intensity[:, None] * torch.exp(0.35 * torch.randn(n, PIXELS) - 0.6 * attenuation[:, None])) ** 1.5
    echo = torch.where(echo > 2.0, echo, torch.zeros_like(echo))      # below the detection limit of the radar
    gauge = intensity * torch.exp(0.15 * wind + 0.15 * torch.randn(n))
    return echo, torch.stack([attenuation, wind], dim=1), gauge


class PowerLaw(nn.Module):
    """Marshall-Palmer type relation R = (Z / a) ** b with learnable a and b for every pixel."""

    def __init__(self, pixels, a=200.0, b=0.6):
        super().__init__()
        self.log_a = nn.Parameter(torch.full((pixels,), math.log(a)))
        self.b = nn.Parameter(torch.full((pixels,), b))

    def forward(self, z):
        return (z * torch.exp(-self.log_a)) ** self.b


class RainNet(nn.Module):
    def __init__(self, pixels, covariates, width=96):
        super().__init__()
        self.rate = PowerLaw(pixels)
        self.body = nn.Sequential(
            nn.Linear(pixels + covariates, width), nn.SiLU(),
            nn.Linear(width, width), nn.SiLU(),
            nn.Linear(width, 1),
        )

    def forward(self, z, c):
        h = torch.cat([self.rate(z), c], dim=1)
        return F.softplus(self.body(h).squeeze(-1))


def skill(model, z, c, y, climatology):
    model.eval()
    with torch.no_grad():
        mse = (model(z, c) - y).square().mean().item()
    return 1.0 - mse / (climatology - y).square().mean().item()


z_train, c_train, y_train = sample_hours(12000)
z_test, c_test, y_test = sample_hours(3000)
mu, sd = c_train.mean(0), c_train.std(0)
c_train, c_test = (c_train - mu) / sd, (c_test - mu) / sd
climatology = y_train.mean()

model = RainNet(PIXELS, c_train.shape[1])
optimizer = torch.optim.RMSprop(model.parameters(), lr=5e-4)
epochs, batch = 16, 64
steps = len(z_train) // batch

for epoch in range(epochs):
    model.train()
    order = torch.randperm(len(z_train))
    total = 0.0
    for i in range(steps):
        idx = order[i * batch:(i + 1) * batch]
        loss = F.huber_loss(model(z_train[idx], c_train[idx]), y_train[idx], delta=2.0)
        optimizer.zero_grad()
        loss.backward()
        norm = clip_grad_norm_(model.parameters(), 5.0)
        if torch.isfinite(norm):
            optimizer.step()
        total += loss.item()
    if epoch % 3 == 0:
        print(f"epoch {epoch:3d}  loss {total / steps:.4f}  "
              f"test skill {skill(model, z_test, c_test, y_test, climatology):+.3f}")

print(f"final test skill (1 = perfect, 0 = climatology): {skill(model, z_test, c_test, y_test, climatology):+.3f}")
