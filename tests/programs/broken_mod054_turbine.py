# expects: MOD054
"""A regressor of wind turbines: taught on many simulated ones, then on the few measurements that there are."""

from __future__ import annotations

import io

import torch
from torch import nn


def network() -> nn.Sequential:
    return nn.Sequential(nn.Linear(6, 48), nn.Tanh(), nn.Linear(48, 48), nn.Tanh(), nn.Linear(48, 1))


def fresh(layer: nn.Module) -> None:
    if isinstance(layer, nn.Linear):
        nn.init.xavier_uniform_(layer.weight)
        nn.init.zeros_(layer.bias)


def fit(net: nn.Module, x: torch.Tensor, y: torch.Tensor, steps: int, rate: float) -> None:
    optimizer = torch.optim.AdamW(net.parameters(), lr=rate)
    for step in range(steps):
        rows = torch.randint(0, len(x), (32,))
        loss = nn.functional.mse_loss(net(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 100 == 0:
            print(step, f"{loss.item():.4f}")


def build(file: io.BytesIO) -> nn.Sequential:
    net = network()
    file.seek(0)
    net.load_state_dict(torch.load(file))
    net.apply(fresh)
    return net


def main() -> None:
    torch.manual_seed(3)
    simulated, true = torch.randn(4000, 6), torch.randn(6, 1)
    power = torch.sin(simulated @ true) + 0.3 * simulated[:, :1]
    first, file = network(), io.BytesIO()
    fit(first, simulated, power, 600, 3e-3)
    torch.save(first.state_dict(), file)
    measured = torch.randn(300, 6)
    output = torch.sin(measured @ true) + 0.35 * measured[:, :1] + 0.05 * torch.randn(300, 1)
    second = build(file)
    fit(second, measured[:80], output[:80], 400, 1e-3)
    with torch.no_grad():
        print("held out", f"{nn.functional.mse_loss(second(measured[80:]), output[80:]).item():.4f}")


main()
