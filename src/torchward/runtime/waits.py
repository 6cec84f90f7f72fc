"""Watches calls that a program waits for: those that make the host wait for the device, in sampled steps, and on all
steps those that write a file or empty the cache of the device's memory.
"""

from __future__ import annotations

import os
import sys
from time import perf_counter
from types import FrameType
from typing import TYPE_CHECKING, Any

import torch

from torchward.runtime.tensors import caller, in_library, user_frame
from torchward.runtime.wrap import disguise

if TYPE_CHECKING:
    from torchward.runtime.recorder import Recorder

READING = {
    "item": "item",
    "tolist": "tolist",
    "numpy": "numpy",
    "cpu": "cpu",
    "__float__": "float",
    "__int__": "int",
    "__bool__": "bool",
    "__repr__": "print",
    "__format__": "print",
}
"""Methods of `Tensor` that make the host wait for the device -> what the log calls them."""
FILE_LIMIT = 64


class Waits:
    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.slow: dict[tuple[str, int, bool], list[float]] = {}
        """(what, line, on the CPU) -> steps with such a call, the last of them, calls, seconds."""
        self.cleared: list[Any] = [0, 0, 0.0, -1, -1]
        """Calls, steps with one, seconds, line of the first, the last such step."""
        self.saves: list[Any] = [0, 0, 0.0, -1, -1]
        self.files: dict[str, int] = {}
        """Paths that were given to `torch.save`, and how often."""

    def stand_ins(self) -> list[tuple[Any, str, Any]]:
        """(owner, attribute, value) of what is to be in place in sampled steps."""
        return [(torch.Tensor, name, self._stand_in(name, kind)) for name, kind in READING.items()]

    def cache_cleared(self, seconds: float) -> None:
        self._count(self.cleared, seconds)

    def saved(self, seconds: float, file: Any) -> None:
        self._count(self.saves, seconds)
        if isinstance(file, (str, os.PathLike)):
            path = os.path.abspath(os.fspath(file))
            if path in self.files or len(self.files) < FILE_LIMIT:
                self.files[path] = self.files.get(path, 0) + 1

    def write_counts(self) -> None:
        for (kind, site, on_cpu), (steps, _, calls, seconds) in self.slow.items():
            self.recorder.row("slow", kind=kind, site=site, cpu=on_cpu, st=steps, n=calls, t=round(seconds, 6))

    def totals(self) -> dict[str, Any]:
        """What the log says of the whole run."""
        return {
            "ec": self.cleared[:4] if self.cleared[0] else None,
            "sv": self.saves[:4] if self.saves[0] else None,
            "files": self.files or None,
        }

    def _stand_in(self, name: str, kind: str) -> Any:
        original, recorder = getattr(torch.Tensor, name), self.recorder
        seen, clock, frame_of = recorder.guarded("slow calls", self._seen), perf_counter, sys._getframe

        def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
            if recorder.inside or recorder.loaders.fetching:
                return original(self, *args, **kwargs)
            start = clock()
            recorder.inside += 1
            try:
                result = original(self, *args, **kwargs)
            except BaseException as error:
                error.__traceback__ = error.__traceback__.tb_next  # type: ignore[union-attr]
                raise
            finally:
                recorder.inside -= 1
            seen(kind, clock() - start, frame_of(1), self.is_cpu)
            return result

        return disguise(wrapper, original) if hasattr(original, "__code__") else wrapper

    def _seen(self, kind: str, seconds: float, frame: FrameType, on_cpu: bool) -> None:
        # What a library's own loop reads is not the user's to change.
        if in_library(frame.f_code.co_filename):
            return
        step = self.recorder.step
        entry = self.slow.setdefault((kind, self.recorder.site(user_frame(frame)), on_cpu), [0, -1, 0, 0.0])
        if entry[1] != step:
            entry[0] += 1
            entry[1] = step
        entry[2] += 1
        entry[3] += seconds

    def _count(self, counts: list[Any], seconds: float) -> None:
        counts[0] += 1
        counts[2] += seconds
        if counts[4] != self.recorder.step:
            counts[4] = self.recorder.step
            counts[1] += 1
        if counts[3] == -1:
            counts[3] = self.recorder.site(caller(5))
