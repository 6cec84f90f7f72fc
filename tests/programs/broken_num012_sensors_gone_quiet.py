# expects: NUM012
"""A stream of sensor readings: after a while most of the sensors are taken out of service, and read 0 from then on."""

import torch
from torch import nn


class Monitor(nn.Module):
    def __init__(self, sensors, width):
        super().__init__()
        self.mix = nn.Linear(sensors, width)
        self.state = nn.Linear(width, 1)

    def forward(self, readings):
        return self.state(torch.tanh(self.mix(readings)))


def stream(steps, sensors, rule, generator):
    for step in range(steps):
        readings = torch.randn(48, sensors, generator=generator)
        if step >= 80:
            readings[:, 256:] = 0
        yield readings, readings @ rule


def main():
    torch.manual_seed(3)
    generator = torch.Generator().manual_seed(4)
    sensors = 4096
    rule = torch.randn(sensors, 1, generator=generator) / 16
    monitor = Monitor(sensors, 96)
    optimizer = torch.optim.RMSprop(monitor.parameters(), lr=2e-4, alpha=0.8)
    for step, (readings, wanted) in enumerate(stream(800, sensors, rule, generator)):
        error = torch.mean((monitor(readings) - wanted) ** 2)
        monitor.zero_grad()
        error.backward()
        optimizer.step()
        if step % 100 == 0:
            print(f"step {step}: error {error.item():.4f}")


main()
