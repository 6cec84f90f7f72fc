# bug: the Euler step is fixed at 0.01, whereas 40 steps sweep the time from 0 to 1, so each sample goes less than half of its way
# expects: LOS057
"""Rectified flow for accelerometer windows of hand tremor, drawn with Euler steps."""
import argparse
import math

import torch
import torch.nn.functional as F
from torch import nn

cli = argparse.ArgumentParser()
cli.add_argument("--iterations", type=int, default=1600)
cli.add_argument("--batch", type=int, default=96)
cli.add_argument("--euler-steps", type=int, default=40)
args = cli.parse_args()
torch.manual_seed(11)

WINDOW = 20


def windows(count):
    """Tremor of 3 to 6 Hz, milli-g, of patients with two degrees of severity."""
    clock = torch.arange(WINDOW) / 40
    rate = 3 + 3 * torch.rand(count, 1)
    severe = (torch.rand(count, 1) < 0.35).float()
    height = 40 + 70 * severe + 10 * torch.randn(count, 1)
    start = 2 * math.pi * torch.rand(count, 1)
    return height * torch.sin(2 * math.pi * rate * clock + start) + 3 * torch.randn(count, WINDOW)


class Velocity(nn.Module):
    def __init__(self, hidden=160):
        super().__init__()
        self.when = nn.Sequential(nn.Linear(16, hidden), nn.GELU())
        self.first = nn.Linear(WINDOW, hidden)
        self.layers = nn.ModuleList(nn.Linear(hidden, hidden) for _ in range(3))
        self.last = nn.Linear(hidden, WINDOW)

    def forward(self, state, moment):
        angle = moment[:, None] * torch.arange(1, 9) * math.pi
        told = self.when(torch.cat([angle.sin(), angle.cos()], dim=-1))
        h = self.first(state)
        for layer in self.layers:
            h = h + F.gelu(layer(h + told))
        return self.last(h)


recorded = windows(5000)
unit = recorded.std()
field = Velocity()
adam = torch.optim.AdamW(field.parameters(), lr=1.5e-3, weight_decay=1e-4)
decay = torch.optim.lr_scheduler.OneCycleLR(adam, 3e-3, total_steps=args.iterations)
for i in range(args.iterations):
    real = recorded[torch.randint(0, 5000, (args.batch,))] / unit
    noise = torch.randn_like(real)
    moment = torch.rand(args.batch)
    state = torch.lerp(noise, real, moment[:, None])
    miss = F.mse_loss(field(state, moment), real - noise)
    adam.zero_grad(set_to_none=True)
    miss.backward()
    adam.step()
    decay.step()
    if i % 200 == 199:
        print(i + 1, round(miss.item(), 4))

field.eval()
width = 1 / args.euler_steps
with torch.inference_mode():
    state = torch.randn(600, WINDOW)
    for k in range(args.euler_steps):
        state = state + 0.01 * field(state, torch.full((600,), k * width))
drawn = state * unit
print(f"deviation of drawn windows {drawn.std():.1f}, of recorded ones {recorded.std():.1f}")
