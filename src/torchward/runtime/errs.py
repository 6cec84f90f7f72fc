"""Squared errors that a program computes itself from what a model returns without gradients: their mean over each
evaluation."""

from __future__ import annotations

from types import FrameType
from typing import TYPE_CHECKING

import torch

from torchward.runtime.tensors import item, number, of_user, plain

if TYPE_CHECKING:
    from torchward.runtime.recorder import Recorder

FEWEST = 16
"""Numbers of a batch."""
FRAMES = 4
"""Lines, from the subtraction outwards, by which evaluations of several sets are told apart."""
PLACES = 8
WRITTEN = 2_000


class Errs:
    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.places: dict[tuple[int, ...], int] = {}
        self.sums: dict[int, list[float]] = {}
        """Place -> sum of the squares, and how many, in the evaluation under way, ..."""
        self.at = (-1, -1)
        """... which is after this step, of this model."""
        self.written = 0

    def seen(self, model: int, result: torch.Tensor, frame: FrameType) -> None:
        """What is left of an output, less what it should be."""
        if not (plain(result) and result.is_cpu and result.is_floating_point() and result.numel() >= FEWEST):
            return
        if self.at != (self.recorder.step, model):
            self.close()
            self.at = self.recorder.step, model
        key = _lines(frame)
        if key not in self.places and len(self.places) >= PLACES:
            return
        sums = self.sums.setdefault(self.places.setdefault(key, len(self.places)), [0.0, 0.0])
        sums[0] += float(item(result.detach().double().square().sum()))
        sums[1] += result.numel()

    def close(self) -> None:
        """Write the means of the evaluation before."""
        step, model = self.at
        if self.written < WRITTEN:
            for place, (total, count) in self.sums.items():
                self.written += 1
                self.recorder.row("erred", i=place, m=model, s=step, v=number(total / count), n=int(count))
        self.sums = {}


def _lines(frame: FrameType | None) -> tuple[int, ...]:
    found: list[int] = []
    while frame is not None and len(found) < FRAMES:
        if of_user(frame.f_code.co_filename):
            found.append(frame.f_lineno or 0)
        frame = frame.f_back
    return tuple(found)
