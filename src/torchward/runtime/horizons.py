"""Watches forecasts whose examples were each brought to one scale together with what is to be forecast.

The mean and the deviation (or the least and the largest value) of a past and its future together are then the same
round numbers in every example, and those of the past alone tell of the future.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import torch

from torchward.runtime.tensors import plain, tensors_in

if TYPE_CHECKING:
    from torchward.runtime.recorder import Recorder

LOOKED = 12
"""Calls of a loss that are looked at."""
ROWS, CHANNELS = 64, 16
LEAST_ROWS, LEAST_VALUES = 8, 8
"""Examples of a batch, and values of each, at least."""
EXACT = 2e-3
"""How near to 0 the mean is, and the deviation to 1 (with either denominator)."""
RANGE = 1e-5
"""... and the least value to 0 or -1, the largest to 1."""
ALL = 0.95
"""Share of the examples that are so: one that never varied cannot be scaled."""
APART, SOME = 0.02, 0.5
"""Mean of a past alone that is no rounding of 0, and the share of examples in which it is so."""
JUMP = 4.0
"""Times the usual step from one value to the next that lies between the past and the future at most."""
FUTURE = 0.1
"""Share of the examples whose least or largest value lies in the future."""


class Horizons:
    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.given: torch.Tensor | None = None
        """What the last call of a model in this sampled step was given."""
        self.looked: dict[int, int] = {}
        """By the place of the loss."""

    def called(self, args: Any, kwargs: Any) -> None:
        given = next(tensors_in((args, kwargs)), None)
        self.given = given if given is not None and _measured(given) else None

    def end_step(self) -> None:
        self.given = None

    def compared(self, place: int, target: torch.Tensor) -> None:
        past = self.given
        if past is None or self.looked.get(place, 0) >= LOOKED or not _measured(target) or target is past:
            return
        if target.shape[0] != past.shape[0] or past.shape[0] < LEAST_ROWS:
            return
        self.looked[place] = self.looked.get(place, 0) + 1
        for both, alone in _series(past[:ROWS].detach(), target[:ROWS].detach()):
            kind = _scaled(both, alone)
            if kind:
                row = {"i": place, "s": self.recorder.step, "how": kind, "p": alone.shape[1], "n": both.shape[1]}
                self.recorder.row("hz", **row)
                return


def _measured(one: torch.Tensor) -> bool:
    return plain(one) and one.is_cpu and one.is_floating_point() and one.dim() in (2, 3) and not one.requires_grad


def _series(past: torch.Tensor, future: torch.Tensor) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """(past and future together, past) of one variable, each (example, time)."""
    pasts = [past] if past.dim() == 2 else _channels(past)
    futures = [future] if future.dim() == 2 else _channels(future)
    for before in pasts:
        for after in futures:
            if before.shape[1] + after.shape[1] >= LEAST_VALUES and after.shape[1] > 0:
                yield torch.cat([before, after], 1).double(), before.double()


def _channels(tensor: torch.Tensor) -> list[torch.Tensor]:
    """One variable after the other, whichever axis is that of time."""
    last = [tensor[:, :, place] for place in range(min(CHANNELS, tensor.shape[2]))]
    first = [tensor[:, place] for place in range(min(CHANNELS, tensor.shape[1]))]
    return last + first if tensor.shape[1] <= CHANNELS else last


def _scaled(both: torch.Tensor, alone: torch.Tensor) -> str:
    """`standard` or `range`, if each example was scaled as a whole, and not by its past; else empty."""
    mean = both.mean(1).abs()
    near = torch.minimum((both.std(1) - 1).abs(), (both.std(1, unbiased=False) - 1).abs())
    standard = (mean < EXACT) & (near < EXACT)
    if float(standard.double().mean()) >= ALL and float((alone.mean(1).abs() > APART).double().mean()) >= SOME:
        return "standard"
    low, high = both.amin(1), both.amax(1)
    whole = ((low.abs() < RANGE) | ((low + 1).abs() < RANGE)) & ((high - 1).abs() < RANGE)
    later = (alone.amin(1) > low + RANGE) | (alone.amax(1) < high - RANGE)
    several = both[0].unique().numel() > both.shape[1] // 2
    # A picture, of which the rest is to be painted, does not go on where it was cut.
    step, jump = alone.diff(dim=1).abs().median(), (both[:, alone.shape[1]] - alone[:, -1]).abs().median()
    goes_on = bool(jump <= JUMP * step)
    if float(whole.double().mean()) >= ALL and float(later.double().mean()) >= FUTURE and several and goes_on:
        return "range"
    return ""
