# bug: A learnable tensor is created as a plain tensor (requires_grad or not) in place of nn.Parameter, so the optimizer never gets it.
# expects: MOD021
"""Radial basis function network: learn a response surface (yield of a reactor) from noisy trials."""
import math

import torch


def surface(u):
    t, p, c = u.unbind(1)
    peak1 = torch.exp(-((t - 0.8) ** 2 + (p - 0.75) ** 2 + (c - 0.2) ** 2) / 0.02)
    peak2 = torch.exp(-((t - 0.2) ** 2 + (p - 0.3) ** 2 + (c - 0.7) ** 2) / 0.03)
    trough = torch.exp(-((t - 0.55) ** 2 + (p - 0.2) ** 2 + (c - 0.4) ** 2) / 0.04)
    return 3 * peak1 + 2.5 * peak2 - 2 * trough + 0.5 * torch.sin(3 * t) * p


class RBFNet(torch.nn.Module):
    def __init__(self, dim, units):
        super().__init__()
        self.centers = torch.rand(units, dim, requires_grad=True)
        self.log_gamma = torch.full((units,), math.log(12.0), requires_grad=True)
        self.linear = torch.nn.Linear(dim, 1)
        self.weight = torch.nn.Linear(units, 1, bias=False)

    def forward(self, u):
        d2 = (u[:, None, :] - self.centers).pow(2).sum(-1)
        phi = torch.exp(-self.log_gamma.exp() * d2)
        return (self.weight(phi) + self.linear(u)).squeeze(1)


torch.manual_seed(21)
trials = torch.rand(3000, 3)
target = surface(trials) + 0.03 * torch.randn(3000)
x_train, y_train = trials[:2400], target[:2400]
x_val, y_val = trials[2400:], target[2400:]

model = RBFNet(3, 20)
optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.03, total_steps=1500)

step = 0
while step < 1500:
    for rows in torch.randperm(len(x_train)).split(120):
        mse = torch.nn.functional.mse_loss(model(x_train[rows]), y_train[rows])
        optimizer.zero_grad()
        mse.backward()
        optimizer.step()
        scheduler.step()
        step += 1
        if step % 250 == 0:
            with torch.no_grad():
                val = torch.nn.functional.mse_loss(model(x_val), y_val)
            r2 = 1 - val / y_val.var(unbiased=False)
            print(f"{step:5d}  train mse {mse.item():.4f}  val mse {val.item():.4f}  R2 {r2.item():.3f}")
        if step == 1500:
            break
