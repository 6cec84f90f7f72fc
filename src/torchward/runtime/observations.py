"""Watches what environments return: is it changed in place later on, while the program still holds it?

In some windows of steps the arrays that are returned are noted, with a digest of each. At the end of a window those
count that hold other values now and are still held: views and arrays that only the program can hold, and of one array
that was returned again and again as many as it gained references.
"""

from __future__ import annotations

import sys
import weakref
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from torchward.runtime.tensors import of_user, plain
from torchward.runtime.wrap import innermost

if TYPE_CHECKING:
    from torchward.runtime.recorder import Recorder

STEPS = 24
"""Of a window."""
RECENT = 4
"""At its end, which the program's own variables may still name."""
HELD = 12
"""Returned in one window, held and changed, from which on they are written down. A stack of the last frames holds 4."""
WINDOWS = 10
"""Of each environment, each beginning after twice as many steps as the one before."""
ENVIRONMENTS = 64
NUMBERS = (torch.float32, torch.float64, torch.float16, torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8)
"""Of torch, that numpy knows, too."""
VALUES = 64
"""Of an observation, evenly spaced, in its digest."""


class _Handed:
    """What one environment returned in the window under way."""

    def __init__(self, environment: Any) -> None:
        self.kind = type(environment)
        self.steps = self.next = self.windows = 0
        self.entries: list[tuple[weakref.ref[Any], bytes, int]] = []
        """An array, its digest, and the number of references to it."""


class Observations:
    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.known: dict[int, _Handed] = {}
        self.handed = recorder.guarded("observations", self._handed)

    def _handed(self, environment: Any, result: Any) -> None:
        """An environment returned this from a step."""
        handed = self.known.get(id(environment))
        if handed is None or handed.kind is not type(environment):
            if len(self.known) >= ENVIRONMENTS:
                return
            handed = self.known[id(environment)] = _Handed(environment)
        handed.steps += 1
        if handed.steps <= handed.next or not isinstance(result, tuple) or not result:
            return
        array = _array(result[0])
        digest = _digest(array) if array is not None else None
        if digest is None:
            handed.next = sys.maxsize
            return
        handed.entries.append((weakref.ref(array), digest, sys.getrefcount(array)))
        if len(handed.entries) >= STEPS:
            held = _held(handed.entries)
            handed.entries, handed.windows, handed.next = [], handed.windows + 1, 2 * handed.steps
            if handed.windows >= WINDOWS or held >= HELD:
                handed.next = sys.maxsize
            if held >= HELD:
                name, step = handed.kind.__name__, innermost(getattr(handed.kind, "step", None))
                code = getattr(step, "__code__", None)
                site = -1
                if code is not None and of_user(code.co_filename):
                    site = self.recorder.site_at(code.co_filename, code.co_firstlineno, code.co_name)
                self.recorder.row("oh", name=name, site=site, n=STEPS, h=held, s=self.recorder.step)


def _array(observation: Any) -> Any:
    """The first array of numbers in it."""
    parts = observation.values() if isinstance(observation, dict) else (observation,)
    for part in list(parts)[:8]:
        if isinstance(part, torch.Tensor):
            if plain(part) and part.is_cpu and part.numel() and part.dtype in NUMBERS:
                return part
        elif type(part) is np.ndarray and part.dtype.kind in "fiu" and part.size:
            return part
    return None


def _digest(array: Any) -> bytes:
    flat = array.detach().numpy() if isinstance(array, torch.Tensor) else array
    step = -(-flat.size // VALUES)
    return bytes(flat.flat[::step].tobytes()) if step > 1 else bytes(flat.tobytes())


def _held(entries: list[tuple[weakref.ref[Any], bytes, int]]) -> int:
    """How many of them hold other values than when they were returned, and are held by more than the environment."""
    arrays: dict[int, tuple[Any, list[tuple[bytes, int]]]] = {}
    for ref, digest, count in entries[:-RECENT]:
        array = ref()
        if array is not None:
            arrays.setdefault(id(array), (array, []))[1].append((digest, count))
    held = 0
    for array, known in arrays.values():
        now = _digest(array)
        changed = sum(digest != now for digest, _ in known)
        gained = known[-1][1] - known[0][1]
        held += changed if len(known) == 1 else min(changed, max(0, gained))
    return held
