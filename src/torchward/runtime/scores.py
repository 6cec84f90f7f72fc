"""Watches how predictions are compared with targets outside of a loss, while calls of models are looked at.

A prediction of shape (n, 1) and targets of shape (n,) give n times n results, each prediction against each target. A
mask of equal labels is made so on purpose: there the two hold the same values.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import TYPE_CHECKING, Any

import torch

from torchward.runtime.tensors import in_torch, plain, user_frame
from torchward.runtime.wrap import Patches

if TYPE_CHECKING:
    from torchward.runtime.recorder import Recorder

OPERATIONS = {"__eq__": "==", "eq": "==", "__ne__": "!=", "ne": "!=", "__sub__": "-", "sub": "-"}
"""Methods of `Tensor` -> how they are written."""
LIMIT = 32


class Scores:
    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.met = 0
        self.model = -1
        self.counts: tuple[int, ...] = ()
        """Examples of which scores may be made: those of the last call of a model, if it returned a table, and those of
        all calls since the stand-ins are in place."""
        self.rows = 0
        self.patches = Patches()
        self.stand_ins = [(name, self._stand_in(name, kind)) for name, kind in OPERATIONS.items()]

    def arm(self) -> None:
        """Put the stand-ins in place."""
        if not self.patches and self.met < LIMIT:
            for name, stand_in in self.stand_ins:
                self.patches.replace(torch.Tensor, name, stand_in)

    def disarm(self) -> None:
        self.patches.undo()
        self.counts, self.rows = (), 0

    def returned(self, model: int, result: Any) -> None:
        """A model returned `result`: what is scored may be this, a column of it, or what several calls returned."""
        table = type(result) is torch.Tensor and result.dim() == 2 and result.shape[0] > 1
        rows = result.shape[0] if table else 0
        self.rows += rows
        self.model, self.counts = model, (rows, self.rows) if table else ()

    def _stand_in(self, name: str, kind: str) -> Callable[..., Any]:
        original, scores, tensor, frame_of = getattr(torch.Tensor, name), self, torch.Tensor, sys._getframe
        seen = self.recorder.guarded("scores", self._seen)

        def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
            try:
                result = original(self, *args, **kwargs)
            except BaseException as error:
                error.__traceback__ = error.__traceback__.tb_next  # type: ignore[union-attr]
                raise
            counts = scores.counts
            if counts and args and type(args[0]) is tensor and type(result) is tensor and result.dim() == 2:
                rows = result.shape[0]
                if rows in counts and {self.shape, args[0].shape} == {(rows, 1), (rows,)}:
                    seen(kind, scores.model, self, args[0], frame_of(1))
            return result

        return wrapper

    def _seen(self, kind: str, model: int, one: torch.Tensor, other: torch.Tensor, frame: FrameType) -> None:
        recorder = self.recorder
        # With a gradient it is part of a loss, which is looked at elsewhere.
        graph = torch.is_grad_enabled() and (one.requires_grad or other.requires_grad)
        if graph or recorder.inside or self.met >= LIMIT or in_torch(frame) or not (plain(one) and plain(other)):
            return
        self.met += 1
        row = {"op": kind, "site": recorder.site(user_frame(frame)), "m": model, "n": one.shape[0]}

        def write(values: list[float]) -> None:
            if values[0]:
                recorder.row("pp", **row)

        recorder.timed(
            lambda: recorder.reader.read([(one.detach().flatten() != other.detach().flatten()).any()], write)
        )
