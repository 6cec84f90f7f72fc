# expects: DAT051
"""Height maps come as rasters whose first row is the southernmost, pictures with north at the top."""

import torch
from torch import nn

torch.manual_seed(1)
HIGH, WIDE = 32, 48


def terrain(count):
    coarse = torch.randn(count, 1, 5, 7)
    fine = torch.randn(count, 1, 9, 13)
    up = dict(size=(HIGH, WIDE), mode="bicubic", align_corners=True)
    return nn.functional.interpolate(coarse, **up) + 0.4 * nn.functional.interpolate(fine, **up)


def picture(height):
    """Snow on the tops, forest in the valleys, haze."""
    snow = torch.sigmoid(3 * (height - 0.6))
    forest = torch.sigmoid(-2 * height)
    colours = torch.cat([snow + 0.1 * forest, snow + 0.4 * forest, snow + 0.1], 1)
    return colours + 0.15 * torch.randn(len(height), 3, HIGH, WIDE)


heights = terrain(200)
pictures = picture(heights)
rasters = heights.flip(2)[:, 0]  # as the survey stores them

model = nn.Sequential(
    nn.Conv2d(3, 24, 5, padding=2),
    nn.GELU(),
    nn.Conv2d(24, 24, 5, padding=2),
    nn.GELU(),
    nn.Conv2d(24, 1, 3, padding=1),
)
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
criterion = nn.SmoothL1Loss()
for step in range(60):
    some = torch.randint(0, len(pictures), (12,))
    loss = criterion(model(pictures[some])[:, 0], rasters[some])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 10 == 9:
        print(step, round(loss.item(), 4))
