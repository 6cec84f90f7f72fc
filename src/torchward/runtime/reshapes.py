"""Finds reshapes that scramble: values of different places come to lie side by side."""

from __future__ import annotations

import sys
from itertools import accumulate
from math import prod
from operator import mul
from typing import TYPE_CHECKING, Any

from torch import nn
from torch.overrides import TorchFunctionMode

from torchward.runtime.overflows import Overflows
from torchward.runtime.tensors import in_library, user_frame

if TYPE_CHECKING:
    from torchward.runtime.captures import Capture


CONVOLUTIONS = frozenset({"conv1d", "conv2d", "conv3d"})
MOVES = frozenset({"transpose", "permute", "movedim", "contiguous", "swapaxes"})
READERS = frozenset({"gru", "lstm", "rnn_tanh", "rnn_relu", "linear", "scaled_dot_product_attention"})
"""What reads the second axis of three as places, each with its own features."""
FOLLOWED = 16


class _Operations(TorchFunctionMode):
    """Notes the first `view` or `reshape` of the user's own that puts values of different places side by side, and
    operations that overflow."""

    def __init__(self, capture: Capture) -> None:
        super().__init__()
        self.capture = capture
        self.overflows = Overflows()
        self.found: tuple[tuple[int, ...], tuple[int, ...], int] | None = None
        self.channels: set[int] = set()
        """Of what convolutions made."""
        self.places: dict[int, tuple[Any, tuple[tuple[int, ...], tuple[int, ...], int]]] = {}
        """Identity of a tensor that has parts of the channels where places would be -> it, and where it was made so."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        finite = self.overflows.before(func, args, kwargs)
        result = func(*args, **(kwargs or {}))
        self.overflows.after(func, args, kwargs, result, finite, self.capture)
        if self.found is None and args:
            self._look(getattr(func, "__name__", ""), args, result)
        return result

    def _look(self, name: str, args: Any, result: Any) -> None:
        if name in CONVOLUTIONS:
            self.channels.add(result.shape[1])
        elif name in ("view", "reshape"):
            before, after = tuple(getattr(args[0], "shape", ())), tuple(getattr(result, "shape", ()))
            if len(before) < 2 or len(after) < 2:
                return
            if scrambles(before, after, self.capture.examples):
                self.found = self._where(before, after)
            elif cuts_channels(before, after, self.channels) and (place := self._where(before, after)) is not None:
                self.places[id(result)] = result, place
        elif self.places and name in MOVES and id(args[0]) in self.places and len(self.places) < FOLLOWED:
            self.places[id(result)] = result, self.places[id(args[0])][1]
        elif self.places and name in READERS:
            self.found = next((self.places[id(one)][1] for one in args if id(one) in self.places), None)

    def _where(
        self, before: tuple[int, ...], after: tuple[int, ...]
    ) -> tuple[tuple[int, ...], tuple[int, ...], int] | None:
        """Shapes and line, if it is one of the user's own."""
        frame = user_frame(sys._getframe(3))
        if frame is None or in_library(frame.f_code.co_filename):
            return None
        return before, after, self.capture.recorder.site(frame)


def cuts_channels(before: tuple[int, ...], after: tuple[int, ...], channels: set[int]) -> bool:
    """(example, channel, row, column) is taken for (example, column, ...) or (example, row, ...): each new place holds
    all places of some channels. Only who reads it tells that places were meant, not groups of channels."""
    if len(before) < 3 or len(after) != 3 or before[1] not in channels or after[0] != before[0]:
        return False
    spatial = before[2:]
    return after[1] != before[1] and after[1] > 1 and after[1] in (*spatial, prod(spatial)) and prod(spatial) > 1


def scrambles(before: tuple[int, ...], after: tuple[int, ...], examples: int) -> bool:
    """The new shape takes a whole axis together with the outer part of the next one, or exchanges two axes.

    Reshaping may join neighbouring axes, split one, or take several places of a sequence together with all that
    belongs to them; anything else puts values side by side that were never neighbours. The batch stays first.
    """
    old = [size for size in before if size != 1]
    new = [size for size in after if size != 1]
    if len(old) < 2 or len(new) < 2 or examples not in (old[0], old[1]) or new[0] != examples:
        return False
    if old[0] != examples:
        return True  # (time, batch, ...) taken for (batch, time, ...)
    old, new = old[1:], new[1:]
    if len(old) < 2 or len(new) < 2:
        return False
    ends = set(accumulate(old, mul))
    if ends.issuperset(accumulate(new, mul)):
        return False  # neighbours joined
    joined = [old, *([[old[0], prod(old[1:])]] if len(new) == 2 else [])]
    if any(sorted(axes) == sorted(new) and axes != new for axes in joined):
        return True
    start = 1
    for size in new:
        end = start * size
        within = [place for place in ends if start < place < end]
        if within and end not in ends and (start in ends or start == 1):
            return True
        start = end
    return False


def scrambled(model: nn.Module, capture: Capture) -> dict[str, Any] | None:
    """A reshape that scrambles, in one call; None where there is none. What overflows in it is tried out next."""
    model.eval()
    with _Operations(capture) as mode:
        capture.call(model, capture.args, capture.kwargs)
    capture.overflows = mode.overflows
    if mode.found is None:
        return None
    before, after, site = mode.found
    return {"before": list(before), "after": list(after), "where": site}
