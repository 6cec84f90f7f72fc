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


class _Operations(TorchFunctionMode):
    """Notes the first `view` or `reshape` of the user's own that puts values of different places side by side, and
    operations that overflow."""

    def __init__(self, capture: Capture) -> None:
        super().__init__()
        self.capture = capture
        self.overflows = Overflows()
        self.found: tuple[tuple[int, ...], tuple[int, ...], int] | None = None

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        finite = self.overflows.before(func, args, kwargs)
        result = func(*args, **(kwargs or {}))
        self.overflows.after(func, args, kwargs, result, finite, self.capture)
        if self.found is None and getattr(func, "__name__", "") in ("view", "reshape") and args:
            before, after = getattr(args[0], "shape", ()), getattr(result, "shape", ())
            if len(before) > 1 and len(after) > 1 and scrambles(tuple(before), tuple(after), self.capture.examples):
                frame = user_frame(sys._getframe(1))
                if frame is not None and not in_library(frame.f_code.co_filename):
                    self.found = (tuple(before), tuple(after), self.capture.recorder.site(frame))
        return result


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
