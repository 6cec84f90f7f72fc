"""Watches maps of class numbers that are resized by a method that mixes values: between 2 and 6 lies no class.

`torch.nn.functional.interpolate` is the place; whether the result becomes a target is known by its size.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import torch

from torchward.runtime.tensors import caller, plain, thin

if TYPE_CHECKING:
    from torchward.runtime.recorder import Recorder

MIXING = ("linear", "bilinear", "bicubic", "trilinear", "area")
LOOKED, VALUES, ROWS = 256, 4_096, 64
"""Calls that are looked at, values of each, and maps of each."""
CLASSES = (3, 64)
"""Different numbers of a map: of two, values between them are cut at a half, or are meant."""
CHANNELS, TOLD = 8, 8
NUMBERS = 4_000_000
"""Of all maps that are marked."""


class Resizes:
    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.looked = self.told = self.numbers = 0
        self.sizes: dict[tuple[int, ...], dict[str, Any]] = {}
        """Height and width -> what was resized to it."""
        self.marks: set[tuple[int, ...]] = set()
        """Of the results, cut to whole numbers: sums that stay the same where they are mirrored or turned."""
        self.resized = recorder.guarded("resizes", self._resized)

    def _resized(self, _token: Any, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if type(result) is not torch.Tensor or result.requires_grad:
            return
        mode = kwargs.get("mode", args[3] if len(args) > 3 else "nearest")
        given = args[0] if args else kwargs.get("input")
        if mode not in MIXING or self.looked >= LOOKED or self.recorder.inside:
            return
        if given is not None and plain(given) and given.is_cpu and given.is_floating_point():
            self.looked += 1
            self.recorder.timed(self._look, mode, given, result, self.recorder.site(caller(3)))

    def _look(self, mode: str, given: torch.Tensor, result: torch.Tensor, site: int) -> None:
        for channel in range(min(given.shape[1], CHANNELS)):
            if self.numbers > NUMBERS:
                return
            values, made = thin(given[:, channel], VALUES), thin(result[:, channel], VALUES)
            if not bool((values == values.round()).all()) or bool((made == made.round()).all()):
                continue
            kinds = values.unique()
            if CLASSES[0] <= len(kinds) <= CLASSES[1] and float(kinds[0]) >= 0:
                row = {"site": site, "mode": mode, "n": len(kinds), "max": int(kinds[-1])}
                self.sizes.setdefault(tuple(result.shape[2:]), row)
                self.numbers += result[:, channel].numel()
                self.marks.update(_marks(result[:, channel]))

    def compared(self, place: int, prediction: torch.Tensor, target: torch.Tensor) -> None:
        """A loss of maps of classes in a sampled step."""
        found = self.sizes.get(tuple(target.shape[1:])) if target.dim() > 2 else None
        if found is None or self.told >= TOLD or target.is_floating_point() or not target.is_cpu:
            return
        classes = found["max"] < prediction.shape[1] and int(target.max()) <= found["max"]
        if classes and not self.marks.isdisjoint(_marks(target)):
            self.told += 1
            self.recorder.row("ip", i=place, s=self.recorder.step, **found)


def _marks(maps: torch.Tensor) -> Iterator[tuple[int, ...]]:
    """Of each map, cut and rounded to whole numbers: the sums of its values, of their squares and of their cubes."""
    for one in maps[:ROWS].detach():
        for whole in (one.long(), one.round().long()) if one.is_floating_point() else (one.long(),):
            yield tuple(int((whole.clamp(min=0) ** power).sum()) for power in (1, 2, 3))
