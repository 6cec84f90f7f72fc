"""Watches in what order the columns of tables, and the channels of images and series, stand in training and evaluation.

Of a batch, statistics of its columns are kept, and of each of a few rows a number that is the same in any order.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch

from torchward.runtime.orders import STATISTICS, Look, Trained, Turned, look, summary, turned
from torchward.runtime.tensors import plain, tensors_in, tolist

if TYPE_CHECKING:
    from torchward.runtime.models import Root
    from torchward.runtime.recorder import Recorder

WIDEST = 64
"""Columns above which nothing is looked at ..."""
WIDEST_AWAY = 24
"""... on an accelerator, from where their correlations must be brought."""
CHANNELS = 16
"""Axis of a batch of images that is no place in it."""
VALUES, LEAST_EXAMPLES = 16_384, 64
"""Values of a batch that are looked at, but so many of its examples in any case."""
LEAST_ROWS, LEAST_IMAGES = 16, 8
TRAINED, LEAST_TRAINED = 64, 6
"""Training batches that are remembered, the first half and the last, and that are needed."""
TRAINED_EVERY, TRAINED_LOOKS = 4, 400
"""Once the first half are, each fourth sampled one is looked at, of so many."""
AT_ONCE, EVERY = 2, 8
"""Evaluation batches at a line between two steps that are looked at: the first ones, then each eighth ..."""
DENSE, EVALUATIONS = 40, 100
"""... until so many were; then each eighth of these, until so many were in all."""
FAILED = 12
"""Evaluation batches that are far off and fit no other order, after which no more is tried."""
ROWS = 16
"""Rows of an evaluation batch that are known again whatever the order ..."""
SHOWN = 0.5
"""... and the share of them that was asked in the usual order, too, where both were meant."""
DIGITS = 6
KINDS = 4
"""Shapes of batches of a model that are told apart."""


@dataclass
class _Site:
    """Evaluation batches at one line."""

    verdicts: dict[tuple[str, ...], Turned | bool] = field(default_factory=dict)
    """Of each batch, known by its rows, what was found the last time: the order it fits; else whether it fits as it
    stands, or is far from the training batches in every order."""
    rows: int = 0
    shown: int = 0
    """... turned, of rows that the model was asked for in the usual order as well."""
    later: int = 0
    """... turned, and trained on in that order later on."""
    best: Turned | None = None
    step: int = -1
    now: int = 0
    """Batches since that step ..."""
    asked: int = 0
    """... and those of all that would be looked at, were it not for how many there have been."""
    looks: int = 0

    def wanted(self, step: int) -> bool:
        """Is the next batch one that is looked at?"""
        self.step, self.now = step, self.now + 1 if step == self.step else 1
        if self.now > AT_ONCE and self.now % EVERY:
            return False
        self.asked += 1
        return self.looks < (DENSE if self.asked % EVERY else EVALUATIONS)


@dataclass
class _Kind:
    """Batches of one shape that a model is given, along one axis."""

    axis: int
    axes: int
    looks: list[Look] = field(default_factory=list)
    trained: int = 0
    failed: int = 0
    known: Trained | None = None
    """Made of `looks`; None if these are newer."""
    straight: set[str] = field(default_factory=set)
    """Rows that were asked for in the usual order."""
    open: list[tuple[int, Look, list[str]]] = field(default_factory=list)
    """(line, batch, rows) of the first that stood in another order."""
    sites: dict[int, _Site] = field(default_factory=dict)


class Columns:
    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.kinds: dict[tuple[int, int, int, int], _Kind] = {}

    def trained_on(self, root: Root, args: Any, kwargs: Any) -> None:
        """A sampled training call."""
        for kind, given, image in self._views(root, args, kwargs, True):
            kind.trained += 1
            if kind.trained > TRAINED_LOOKS or (kind.trained > TRAINED // 2 and kind.trained % TRAINED_EVERY):
                continue
            values, rows = _thinned(given, kind.axis)

            def arrived(vector: list[float], kind: _Kind = kind, rows: int = rows, image: bool = image) -> None:
                found = look(rows, vector, _columns(len(vector)), image)
                if found is not None:
                    self._learn(root.index, kind, found)

            self._read(summary(values), arrived)

    def asked(self, root: Root, args: Any, kwargs: Any, site: int) -> None:
        """A call without gradients."""
        for kind, given, image in self._views(root, args, kwargs, False):
            few = LEAST_IMAGES if image else LEAST_ROWS
            if len(kind.looks) < LEAST_TRAINED or kind.failed >= FAILED or given.shape[0] < few:
                continue
            if not kind.sites.setdefault(site, _Site()).wanted(self.recorder.step):
                continue
            values, rows = _thinned(given, kind.axis)
            columns, step = values.shape[1], self.recorder.step
            size = columns * (STATISTICS + columns)

            def arrived(
                vector: list[float],
                kind: _Kind = kind,
                rows: int = rows,
                image: bool = image,
                columns: int = columns,
                size: int = size,
                step: int = step,
            ) -> None:
                found = look(rows, vector[:size], columns, image)
                if found is not None:
                    self._judge(root.index, kind, found, [f"{key:.{DIGITS}g}" for key in vector[size:]], site, step)

            self._read(torch.cat([summary(values), _keys(values, rows)]), arrived)

    def _read(self, vector: torch.Tensor, arrived: Any) -> None:
        if vector.device.type == "cpu":
            arrived(tolist(vector))
        else:
            self.recorder.reader.read(vector.unbind(), self.recorder.guarded("columns", arrived))

    def _views(self, root: Root, args: Any, kwargs: Any, training: bool) -> Iterator[tuple[_Kind, torch.Tensor, bool]]:
        """(kind, batch, whether it is of images) for each axis that may hold columns."""
        given = _input(args, kwargs)
        if given is None:
            return
        given, axes = given.detach(), given.dim()
        widest = WIDEST if given.device.type == "cpu" else WIDEST_AWAY
        for axis in _axes(given):
            if not 2 <= given.shape[axis] <= widest:
                continue
            key = root.index, axes, axis, given.shape[axis]
            kind = self.kinds.get(key)
            if kind is None:
                if not training or sum(one[0] == root.index for one in self.kinds) >= KINDS:
                    continue
                kind = self.kinds[key] = _Kind(axis, axes)
            yield kind, given, axes == 4

    def _learn(self, model: int, kind: _Kind, found: Look) -> None:
        if len(kind.looks) >= TRAINED:
            del kind.looks[TRAINED // 2]
        kind.looks.append(found)
        kind.known = None
        if kind.open:
            alone = Trained([found, found])
            for place, (site, asked, keys) in enumerate(kind.open):
                if keys and alone.goes_with(asked):
                    kind.sites[site].later += 1
                    kind.open[place] = (site, asked, [])
                    self._write(model, kind, site, self.recorder.step)

    def _judge(self, model: int, kind: _Kind, asked: Look, keys: list[str], site: int, step: int) -> None:
        kind.known = kind.known or Trained(kind.looks)
        at = kind.sites[site]
        found = turned(kind.known, asked)
        at.looks += 1
        at.verdicts[tuple(keys)] = found or kind.known.fits(asked)
        kind.failed += at.verdicts[tuple(keys)] is False and at.best is None
        if found is not None:
            if at.best is None or asked.rows > at.rows:
                at.rows, at.best = asked.rows, found
            if sum(key in kind.straight for key in keys) >= SHOWN * len(keys):
                at.shown += 1
            elif len(kind.open) < ROWS:
                kind.open.append((site, asked, keys))
            self._write(model, kind, site, step)
        else:
            kind.straight.update(keys)
            for place, (other, one, rows) in enumerate(kind.open):
                if rows and sum(key in kind.straight for key in rows) >= SHOWN * len(rows):
                    kind.sites[other].shown += 1
                    kind.open[place] = (other, one, [])
                    self._write(model, kind, other, step)
            if at.best is not None:
                self._write(model, kind, site, step)

    def _write(self, model: int, kind: _Kind, site: int, step: int) -> None:
        at = kind.sites[site]
        best = at.best
        if best is not None:
            verdicts = list(at.verdicts.values())
            turned = [one for one in verdicts if isinstance(one, Turned)]
            agreeing = sum(one.agrees(best) for one in turned if one is not best)
            counts = {"n": len(verdicts), "t": len(turned), "o": verdicts.count(False), "sa": agreeing}
            counts |= {"sh": at.shown, "la": at.later, "r": at.rows}
            order = {"c": best.columns, "mv": best.moved, "a": best.first, "b": best.then}
            self.recorder.row("co", m=model, s=step, site=site, d=kind.axes, ax=kind.axis, **counts, **order)


def _columns(length: int) -> int:
    """How many there are, from the length of a summary."""
    return next(columns for columns in range(2, WIDEST + 1) if columns * (STATISTICS + columns) == length)


def _input(args: Any, kwargs: Any) -> torch.Tensor | None:
    """The first input; of those with names, the first by name, for they may be given in any order."""
    if not args:
        args = [kwargs[name] for name in sorted(kwargs)]
    elif isinstance(args[0], dict):
        args = [args[0][name] for name in sorted(args[0], key=str)]
    given = next((tensor for tensor in tensors_in(args) if plain(tensor)), None)
    if given is None or not given.is_floating_point() or given.requires_grad or not 2 <= given.dim() <= 4:
        return None
    return given if given.shape[0] >= 2 else None


def _axes(given: torch.Tensor) -> tuple[int, ...]:
    if given.dim() == 4:
        first, last = given.shape[1], given.shape[3]
        if first <= CHANNELS and min(given.shape[2:]) > first:
            return (1,)
        return (3,) if last <= 4 and min(given.shape[1:3]) > last else ()
    return (1,) if given.dim() == 2 else (1, 2)


def _thinned(given: torch.Tensor, axis: int) -> tuple[torch.Tensor, int]:
    """(row, column) of some examples and places, and of how many examples."""
    wanted = max(LEAST_EXAMPLES, VALUES // given.shape[axis])
    given = given[:: -(-given.shape[0] // wanted)].movedim(axis, -1)
    middle = given.dim() - 2
    if middle and given.numel() > VALUES:
        stride = slice(None, None, math.ceil((given.numel() / VALUES) ** (1 / middle)))
        given = given[:, stride, stride] if middle == 2 else given[:, stride]
    examples, given = given.shape[0], given.reshape(-1, given.shape[-1])
    return given.double() if given.device.type == "cpu" else given.float(), examples


def _keys(values: torch.Tensor, examples: int) -> torch.Tensor:
    """Of some examples, a number that is the same in whatever order their columns stand."""
    flat = values.reshape(examples, -1)[:ROWS]
    return flat.sum(1) + 0.7548776662 * flat.square().sum(1)
