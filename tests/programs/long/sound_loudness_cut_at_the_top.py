# expects: nothing
"""The next value of a wave is foretold as one of 24 levels; its peaks, which grow later, are cut off at the top level."""

import math

import torch
from torch import nn

torch.manual_seed(2)
LEVELS, LENGTH = 24, 32


class Forecast(nn.Module):
    def __init__(self):
        super().__init__()
        self.levels = nn.Embedding(LEVELS, 32)
        self.body = nn.GRU(32, 64, batch_first=True)
        self.next = nn.Linear(64, LEVELS)

    def forward(self, ids):
        return self.next(self.body(self.levels(ids))[0])


def waves(count, height):
    phase, speed = 6.3 * torch.rand(count, 1), 0.2 + 0.2 * torch.rand(count, 1)
    wave = 1 + torch.sin(phase + speed * torch.arange(LENGTH)) * (0.8 + 0.2 * torch.rand(count, 1))
    return (wave * height * LEVELS / 2).long()


forecast = Forecast()
optimizer = torch.optim.Adam(forecast.parameters(), lr=3e-3)
for step in range(300):
    height = 0.95 if step < 150 else 1.15 + 0.05 * math.sin(step)
    ids = waves(48, height).clamp(0, LEVELS - 1)
    scores = forecast(ids[:, :-1])
    loss = nn.functional.cross_entropy(scores.transpose(1, 2), ids[:, 1:])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 50 == 0:
        print(step, loss.item())
