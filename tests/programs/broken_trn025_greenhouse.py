# expects: TRN025
"""Humidity of a greenhouse one hour on. The averaged weights are swapped in to judge them; the backup is no copy."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset


class Swap:
    """Use as `with swap:`: inside, the network has the averaged weights."""

    def __init__(self, network: nn.Module, half_life: float):
        self.network, self.keep = network, 0.5 ** (1 / half_life)
        self.mean = self.weights()
        self.mean = {name: value.clone() for name, value in self.mean.items()}
        self.own: dict[str, Tensor] = {}

    def weights(self) -> dict[str, Tensor]:
        return {name: parameter.data for name, parameter in self.network.named_parameters()}

    def follow(self) -> None:
        self.mean = {
            name: self.keep * self.mean[name] + (1 - self.keep) * value for name, value in self.weights().items()
        }

    def __enter__(self) -> None:
        self.own = self.weights()
        for name, value in self.weights().items():
            value.copy_(self.mean[name])

    def __exit__(self, *_: object) -> None:
        for name, value in self.weights().items():
            value.copy_(self.own[name])


def hours(count: int) -> tuple[Tensor, Tensor]:
    t = torch.arange(count, dtype=torch.float32)
    sun = torch.relu(torch.sin(2 * math.pi * (t - 6) / 24)) * (0.5 + torch.rand(count))
    vents = (torch.rand(count) < 0.3).float()
    humidity = torch.zeros(count)
    for hour in range(1, count):
        gain = 0.4 - 0.5 * sun[hour] - 0.6 * vents[hour] * (1 + humidity[hour - 1])
        humidity[hour] = 0.8 * humidity[hour - 1] + gain + 0.05 * torch.randn(())
    inputs = torch.stack([sun, vents, humidity, torch.sin(2 * math.pi * t / 24), torch.cos(2 * math.pi * t / 24)], 1)
    return inputs[:-1], humidity[1:, None]


def main() -> None:
    torch.manual_seed(4)
    x, y = hours(3001)
    x = (x - x[:2400].mean(0)) / x[:2400].std(0)
    training = DataLoader(TensorDataset(x[:2400], y[:2400]), batch_size=48, shuffle=True)
    network = nn.Sequential(nn.Linear(5, 48), nn.Tanh(), nn.Linear(48, 48), nn.Tanh(), nn.Linear(48, 1))
    optimizer = torch.optim.SGD(network.parameters(), lr=0.05, momentum=0.9)
    swap = Swap(network, half_life=60)
    for day in range(10):
        network.train()
        for inputs, target in training:
            optimizer.zero_grad()
            loss = nn.functional.mse_loss(network(inputs), target)
            loss.backward()
            optimizer.step()
            swap.follow()
        network.eval()
        with swap, torch.no_grad():
            error = (network(x[2400:]) - y[2400:]).abs().mean().item()
        print(f"day {day}: loss {loss.item():.4f}, mean error {error:.4f}")


if __name__ == "__main__":
    main()
