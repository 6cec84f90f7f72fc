# expects: nothing
"""A day of hourly loads says the next hour: windows begin at midnight in training, and in the test at noon as well."""

import math

import torch
from torch import nn

generator = torch.Generator().manual_seed(4)
torch.manual_seed(4)
HOURS = 24 * 420
hour = torch.arange(HOURS)
profile = 2.0 - torch.cos(2 * math.pi * (hour - 4) / 24) - 0.6 * torch.cos(4 * math.pi * (hour - 1) / 24)
steps = 0.1 * torch.randn(HOURS // 24, generator=generator)
level = torch.stack(
    [sum(0.9**back * steps[day - back] for back in range(min(day + 1, 30))) for day in range(len(steps))]
)
load = profile + level.repeat_interleave(24) + 0.05 * torch.randn(HOURS, generator=generator)


def windows(first, last, begin):
    starts = torch.arange(24 * first + begin, 24 * last - 24, 24)
    return torch.stack([load[start : start + 24] for start in starts]), load[starts + 24]


x, y = windows(0, 300, 0)
model = nn.Sequential(nn.Linear(24, 32), nn.Tanh(), nn.Linear(32, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(20):
    for rows in torch.randperm(len(y), generator=generator).split(32):
        loss = nn.functional.mse_loss(model(x[rows]).squeeze(1), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
with torch.no_grad():
    for begin in (12, 6):
        given, wanted = windows(300, 420, begin)
        error = nn.functional.mse_loss(model(given).squeeze(1), wanted)
        print(begin, loss.item(), error.item())
