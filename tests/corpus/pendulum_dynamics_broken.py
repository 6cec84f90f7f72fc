# bug: Sigmoid/tanh units are saturated from the start, so that hardly any gradient comes through.
# expects: MOD004
"""Learn the one-step dynamics of a driven, damped pendulum (for model-based control)."""
from dataclasses import dataclass

import torch
import torch.nn as nn


@dataclass
class Config:
    n_train: int = 6000
    n_val: int = 1500
    hidden: int = 128
    depth: int = 6
    lr: float = 1e-3
    batch: int = 200
    epochs: int = 25
    seed: int = 3


def simulate(theta, omega, torque, dt=0.02, n=20):
    for _ in range(n):
        acc = -9.81 * torch.sin(theta) - 0.3 * omega + 3.0 * torque
        omega = omega + dt * acc
        theta = theta + dt * omega
    return theta, omega


def make_data(n, g):
    th = (torch.rand(n, generator=g) * 2 - 1) * torch.pi
    om = (torch.rand(n, generator=g) * 2 - 1) * 5
    u = torch.rand(n, generator=g) * 2 - 1
    th2, om2 = simulate(th, om, u)
    x = torch.stack([th.sin(), th.cos(), om / 3, u], 1)
    y = torch.stack([(th2 - th) / 1.2, (om2 - om) / 3.0], 1)
    return x, y


class DynamicsModel(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        sizes = [4] + [cfg.hidden] * cfg.depth
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in zip(sizes[:-1], sizes[1:]))
        self.head = nn.Linear(cfg.hidden, 2)
        self.reset_parameters()

    def reset_parameters(self):
        for layer in self.layers:
            nn.init.normal_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, x):
        for layer in self.layers:
            x = torch.tanh(layer(x))
        return self.head(x)


def r2(pred, y):
    return (1 - ((pred - y) ** 2).sum(0) / ((y - y.mean(0)) ** 2).sum(0)).mean().item()


def run(cfg: Config):
    g = torch.Generator().manual_seed(cfg.seed)
    torch.manual_seed(cfg.seed)
    xtr, ytr = make_data(cfg.n_train, g)
    xva, yva = make_data(cfg.n_val, g)
    model = DynamicsModel(cfg)
    optim = torch.optim.Adam(model.parameters(), lr=cfg.lr)
    for epoch in range(1, cfg.epochs + 1):
        model.train()
        order = torch.randperm(cfg.n_train, generator=g)
        tot = 0.0
        for idx in order.split(cfg.batch):
            loss = nn.functional.mse_loss(model(xtr[idx]), ytr[idx])
            optim.zero_grad()
            loss.backward()
            optim.step()
            tot += loss.item() * len(idx)
        if epoch % 5 == 0 or epoch == 1:
            model.eval()
            with torch.no_grad():
                p = model(xva)
            print(f"epoch {epoch:3d}  train mse {tot / cfg.n_train:.5f}  val mse {nn.functional.mse_loss(p, yva).item():.5f}  R2 {r2(p, yva):.4f}")


if __name__ == "__main__":
    run(Config())
