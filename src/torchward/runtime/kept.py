"""Finds what makes a growing process grow: lists, queues and dictionaries that gather more and more tensors.

Looks at what the program's own variables hold, and the attributes of its own objects: a fraction of a millisecond, a
few times in a run.
"""

from __future__ import annotations

import resource
import sys
from collections import deque
from collections.abc import Iterator
from itertools import islice
from time import perf_counter, thread_time
from types import FrameType
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from torchward.runtime.tensors import in_library, plain

if TYPE_CHECKING:
    from torchward.runtime.recorder import Recorder

GROWTH = 8 * 2**20
"""Bytes that the process grows between two looks; without that, a look waits until the steps have doubled."""
SETTLED = 5
"""Sampled steps after which everything that each step needs has been allocated once."""
LOOKS = 24
SECONDS = 0.005
"""What the first look is taken to cost."""
SMALLEST = 16
"""Elements below which a container is left alone."""
PICKED = 8
"""Elements of a container whose bytes are counted; the others are taken to be like them."""
OBJECTS = 4_096
"""Variables and attributes that a look takes in."""
DEPTH = 4


class Kept:
    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.base = 0
        self.seen: dict[int, tuple[int, int]] = {}
        """Containers of the last look: identity -> (step, number of elements). Kept as numbers: nothing is held."""
        self.looks = self.looked_at = 0
        self.cost = SECONDS

    def after_sample(self, resident: int) -> None:
        recorder = self.recorder
        if recorder.steps_sampled < SETTLED or self.looks >= LOOKS:
            return
        if not self.base:
            self.base = resident
        if resident < self.base + GROWTH and recorder.step < 2 * self.looked_at:
            return
        if not recorder.pace.may_spend(self.cost, perf_counter()):
            return
        self.base, self.looked_at = resident, recorder.step
        self.looks += 1
        begin = thread_time()
        self._look()
        self.cost = thread_time() - begin

    def _look(self) -> None:
        step, before = self.recorder.step, self.seen
        self.seen = {}
        for name, holder in _containers():
            size = _bytes(holder)
            key, count = id(holder), len(holder)
            if not size or key in self.seen:
                continue
            self.seen[key] = (step, count)
            if 0 < before.get(key, (0, 0))[1] < count:
                self.recorder.row(
                    "kept",
                    s=step,
                    id=key,
                    was=before[key],
                    kind=type(holder).__name__,
                    name=name,
                    n=count,
                    b=size,
                    ep=self.recorder.passes_over_training_data(),
                )


def _containers() -> Iterator[tuple[str, Any]]:
    """(name, container) of all that may grow without end and is within reach of the program's own names."""
    frame: FrameType | None = sys._getframe(1)
    scopes: list[tuple[str, dict[str, Any]]] = []
    while frame is not None:
        if not in_library(frame.f_code.co_filename):
            scopes.append(("", frame.f_locals))
            if all(scope is not frame.f_globals for _, scope in scopes):
                scopes.append(("", frame.f_globals))
        frame = frame.f_back
    queue = deque((path, scope, 0) for path, scope in scopes)
    seen: set[int] = set()
    looked = 0
    while queue and looked < OBJECTS:
        path, scope, depth = queue.popleft()
        for name, value in list(scope.items()):
            looked += 1
            if not isinstance(name, str) or id(value) in seen or looked > OBJECTS:
                continue
            seen.add(id(value))
            full = f"{path}.{name}" if path else name
            kind = type(value)
            if kind is list or kind is dict or (kind is deque and value.maxlen is None):
                if len(value) >= SMALLEST:
                    yield full, value
                elif kind is dict and depth < DEPTH:
                    queue.append((full, value, depth + 1))
            elif depth < DEPTH and (attributes := _attributes(value)) is not None:
                queue.append((full, attributes, depth + 1))


def _attributes(value: Any) -> dict[str, Any] | None:
    """Of an object or class of the program's own, and of any module of a model; asks no foreign object anything."""
    kind = value if isinstance(value, type) else type(value)
    home = sys.modules.get(kind.__module__)
    file = getattr(home, "__file__", None)
    own = kind.__module__ == "__main__" or (isinstance(file, str) and not in_library(file))
    if not own and not isinstance(value, nn.Module):
        return None
    try:
        found = dict(vars(value)) if isinstance(value, type) else object.__getattribute__(value, "__dict__")
    except AttributeError:
        return None
    return found if isinstance(found, dict) else None


def _bytes(holder: Any) -> int:
    """Bytes of the tensors and arrays in a container, from a few of its elements; 0 if its last one holds none."""
    values = holder.values() if type(holder) is dict else holder
    try:
        if not _size(next(reversed(values))):
            return 0
        picked = [_size(value) for value in islice(values, 0, None, max(1, len(holder) // PICKED))]
    except (RuntimeError, StopIteration):  # another thread changes it
        return 0
    return int(sum(picked) / max(1, len(picked)) * len(holder))


def _size(value: Any, depth: int = 1) -> int:
    """Bytes of a tensor or array, or of a tuple, list or dictionary of such."""
    kind = type(value)
    if kind is torch.Tensor:
        return value.numel() * value.element_size() if plain(value) else 0
    if kind in (tuple, list, dict):
        values = value.values() if kind is dict else value
        return sum(_size(element, depth - 1) for element in islice(values, SMALLEST)) if depth else 0
    numpy = sys.modules.get("numpy")
    return int(value.nbytes) if numpy is not None and kind is numpy.ndarray else 0


def resident_bytes() -> int:
    """Of this process; 0 where the system does not tell."""
    try:
        with open("/proc/self/statm", "rb") as file:
            return int(file.read().split()[1]) * resource.getpagesize()
    except (OSError, IndexError, ValueError):
        return 0
