"""Where a run stands at its first backward pass, in a few numbers: with them a later run of the same program can tell
whether the same seed has led to the same place. Looked at once; no generator is drawn from or set.
"""

from __future__ import annotations

import hashlib
import os
import random
import sys
from typing import TYPE_CHECKING, Any

import torch

from torchward.runtime.tensors import _LIBRARY, of_user, plain, sizes

if TYPE_CHECKING:
    from torchward.runtime import graph
    from torchward.runtime.recorder import Recorder

FRESH = (623, 624)
"""Place in the state of a Mersenne twister from which nothing has been drawn since it was seeded."""
FILES, TOLD = 512, 32
"""Files of a program: more are not looked at; and those that are named."""


class Start:
    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.done = False
        self.loads = False
        """Something was loaded by `torch.load` or into a module."""

    def look(self, loss: torch.Tensor, walked: graph.Walk) -> None:
        """Before the first backward pass."""
        self.done = True
        recorder = self.recorder
        if recorder.step or loss.numel() != 1 or not plain(loss):
            return
        files = _files()
        weights = [leaf.detach() for leaf in walked.leaves if plain(leaf) and leaf.is_floating_point()]
        weights = [one for one in weights if one.device == loss.device]
        if not files or not weights:
            return
        last, given = recorder.losses.last, recorder.inputs.given
        target = last[2] if last is not None and plain(last[2]) and last[2].device == loss.device else None
        given = given if given is not None and given.device == loss.device else None
        shapes = [list(one.shape) for one in weights]
        row: dict[str, Any] = {
            "seed": torch.initial_seed(),
            "src": _source(files),
            "files": files[:TOLD],
            "sh": _mark(repr(shapes).encode()),
            "np": _numpy(),
            "py": _python(),
            "ld": self.loads,
            "n": [given is not None, target is not None],
        }
        marks = [_numbers(one) for one in (given, target) if one is not None]
        sizes = torch.stack([torch.linalg.vector_norm(one.float()) for one in weights])
        scalars = [loss.detach().float().reshape(()), *_numbers(sizes), *(mark for pair in marks for mark in pair)]

        def write(values: list[float]) -> None:
            exact = [f"{value:.8g}" for value in values[1:]]
            pairs = [":".join(exact[place : place + 2]) for place in range(0, len(exact), 2)]
            recorder.row("start", **row, v=values[0], m=pairs)

        recorder.reader.read(scalars, write)


def _numbers(tensor: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Two sums that change with the values, and with their order."""
    few = sizes(tensor).float()
    ramp = torch.arange(1, few.numel() + 1, dtype=torch.float32, device=few.device).sqrt()
    return few.square().mean().sqrt(), (few * ramp).mean()


def _mark(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=8).hexdigest()


def _numpy() -> list[Any] | None:
    """[mark of the state of numpy's global generator, something was drawn from it]; None if it was not loaded."""
    generators = sys.modules.get("numpy.random")
    state = generators.get_state() if generators is not None else None
    if not isinstance(state, tuple):  # another kind of generator was put there
        return None
    return [_mark(state[1].tobytes() + bytes(str(state[2]), "ascii")), state[2] not in FRESH]


def _python() -> list[Any]:
    state = random.getstate()[1]
    return [_mark(repr(state).encode()), state[-1] not in FRESH]


def _files() -> list[str]:
    """The program's own files, as far as they are loaded, the one that was started first; none if unknown."""
    main = getattr(sys.modules.get("__main__"), "__file__", None)
    if not main or not os.path.isfile(main):
        return []
    main = os.path.abspath(main)
    files = set()
    for module in list(sys.modules.values()):
        file = getattr(module, "__file__", None)
        if isinstance(file, str) and os.path.isabs(file) and not file.startswith(_LIBRARY) and of_user(file):
            files.add(file)
    return [main, *sorted(files - {main})] if len(files) < FILES else []


def _source(files: list[str]) -> str:
    """A mark of these files, with their sizes and times."""
    found = []
    for file in sorted(files):
        try:
            about = os.stat(file)
        except OSError:  # made up, or in an archive
            continue
        found.append(f"{file}:{about.st_size}:{about.st_mtime_ns}")
    return _mark("\n".join(found).encode())
