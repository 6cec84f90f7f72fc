"""Colour images as a model gets them: do their values lie as in (height, width, channel) data, read as (channel, ...)?

All is taken from products of values some places apart in memory, each image less the mean of each colour that it would
have, and brought to the same deviation. Of an image that lies as it should, nearer values are more alike; of a
scrambled one, those that are as many columns, or rows, apart as there are channels. Textures of that very period have
the same in all channels, which lie a whole plane apart; in a scrambled one there is nothing special in that distance.

Of small things in much noise that says little. Their tints, the mean of each colour, say more: each "channel" of a
scrambled image holds all of them, one at every so many values.
"""

from __future__ import annotations

import math
from typing import Any

import torch

IMAGES = 256
VALUES = 1_500_000
"""Of all images together; there are fewer of large ones."""
LEAST = 6
"""Images, that deviations from one to another can be told."""
BLANK = 1e-4
"""Variance, in the mean one, of an image that shows nothing."""
NOISE_RANGE = 4.0
"""Standard errors from the least to the largest of five numbers or seven that differ by noise alone."""


def gather(kept: list[torch.Tensor], given: torch.Tensor) -> None:
    """Copy some images of a batch of colour images (number, channel, height, width), if more are wanted."""
    if (
        given.dim() == 4
        and given.is_floating_point()
        and given.shape[1] in (3, 4)
        and given.shape[3] > 2 * given.shape[1]
    ):
        alike = not kept or kept[0].shape[1:] == given.shape[1:]
        wanted = max(LEAST, min(IMAGES, VALUES // given[0].numel())) - sum(map(len, kept))
        if alike and wanted > 0:
            kept.append(given.detach()[:wanted].float().clone())


def scrambled(given: torch.Tensor) -> dict[str, Any] | None:
    """Fields of an `InputProbe` from images (number, channel, height, width); None where there are too few."""
    _, channels, height, width = given.shape
    size = channels * height * width
    flat = given.reshape(-1, size)
    tints = _tints(given.flatten(2))
    colour = torch.arange(size, device=flat.device) % channels
    flat = torch.stack([flat[:, colour == k] - flat[:, colour == k].mean(1, keepdim=True) for k in range(channels)], 2)
    flat = flat.reshape(len(flat), size)
    variance = flat.square().mean(1)
    shown = variance > BLANK * variance.mean()
    if int(shown.sum()) < LEAST or not bool(torch.isfinite(variance).all()):
        return None
    flat = flat[shown] / variance[shown].sqrt()[:, None]
    rows = flat.reshape(len(flat), channels * height, width)

    def apart(lag: int) -> torch.Tensor:
        return (flat[:, lag:] * flat[:, :-lag]).mean(1)

    def in_row(lag: int) -> torch.Tensor:
        return (rows[:, :, lag:] * rows[:, :, :-lag]).mean((1, 2))

    columns, below = in_row(channels), apart(channels * width)
    nearer = [apart(row * width) for row in range(1, channels)]
    steps = (rows[:, :, 1:] - rows[:, :, :-1]).square()
    ends = colour.reshape(channels * height, width)[:, :-1]
    step = [steps[:, ends == k].mean(1) / steps.mean((1, 2)) for k in range(channels)]
    planes = []
    for plane in range(1, channels):
        around = torch.stack([apart(plane * height * width + lag) for lag in range(1 - channels, channels)])
        around *= channels / (channels - plane)
        noise = float(around.std(1).mean()) / math.sqrt(len(flat))
        planes.append(float(around.mean(1).max() - around.mean(1).min()) - NOISE_RANGE * noise)
    return {
        "near": max(float(one.mean()) for one in nearer),
        "apart": float(below.mean()),
        "rows_peak": min(_deviations(below - one) for one in nearer),
        "columns_peak": min(_deviations(columns - in_row(lag)) for lag in (*range(1, channels), channels + 1)),
        "pixel_edges": min(_deviations(step[-1] - one) for one in step[:-1]),
        "planes_peak": max(0.0, *planes),
        "tints_peak": tints,
    }


def _tints(planes: torch.Tensor) -> float:
    """By how many standard errors values as many places apart as there are channels share a tint, the same in all
    planes of an image and its own, more than values any other few places apart."""
    _, channels, size = planes.shape
    planes = planes - planes.mean((1, 2), keepdim=True)
    variance = planes.square().mean((1, 2))
    planes = planes[variance > BLANK * variance.mean()]
    if len(planes) < LEAST:
        return 0.0
    planes = planes / planes.square().mean((1, 2), keepdim=True).sqrt()

    def shared(period: int) -> torch.Tensor:
        """The mean product of what two planes have at each place in the period."""
        place = torch.arange(channels * size, device=planes.device).reshape(channels, size, 1) % period
        here = (place == torch.arange(period, device=planes.device)).float()
        means = torch.einsum("ncs,csk->nck", planes, here / here.sum(1, keepdim=True))
        means = means - means.mean(2, keepdim=True)
        means = means - means.mean(0)  # what all images have is no tint of theirs
        return (means.sum(1).square() - means.square().sum(1)).mean(1) / (channels * (channels - 1))

    own = shared(channels)
    others = [own - shared(period) for period in range(2, channels + 2) if period != channels]
    return min(map(_deviations, (own, *others)))


def _deviations(differences: torch.Tensor) -> float:
    """How many standard errors the mean of one number for each image lies above 0."""
    error = float(differences.std()) / math.sqrt(len(differences))
    return float(differences.mean()) / error if error > 0 else 0.0
