"""Watches the examples that a data set holds in memory: are they changed where they lie, while they are read?

A few rows of every stored array are copied when a pass over a loader begins, and compared from pass to pass. Of the
first batch of a pass, the rows that are asked for are copied before it is made, and compared with what they are after
it and with what was handed out: what the training does to stored rows is none of this.
"""

from __future__ import annotations

import contextlib
import sys
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import torch
from torch.utils import data

from torchward.runtime import wraps
from torchward.runtime.tensors import length, number, of_user, plain, tensors_in

if TYPE_CHECKING:
    from torchward.runtime.loaders import Loader
    from torchward.runtime.recorder import Recorder

ROWS = 32
BATCH_ROWS = 8
VALUES = 256
"""Of one row, evenly spaced."""
LEAST_VALUES = 4
"""Rows of fewer are counters, labels, notes about an example."""
COPIES = 7
"""Passes at whose start the rows are copied."""
COMPARED = 3
"""Copies from which on something can be said."""
ARRAYS = 8
DATA_SETS = 16
WINDOW = 8
"""Of a series that is longer than there are examples, these windows of it: so many values from the example's on."""
FOUND = 0.9
"""Share of a stored row's values that are among those handed out ..."""
ALIKE = 0.98
"""... or correlation with them, by which it is that row that was handed out."""
INNER = ("dataset", "subset", "base", "data", "ds")
"""Attributes in which wrappers hold the data set that they read."""

SMALL = ("uint8", "int8", "int16")

Rows = dict[str, list[torch.Tensor]]
"""Class and attribute of a store -> values of its rows."""


class Watch:
    """What was seen of the stored rows of one data set."""

    def __init__(self, loader: Loader) -> None:
        self.loader = loader
        """The one that a pass was last made with."""
        self.copies: list[Rows] = []
        self.wrapped = False
        self.read: dict[str, list[bool]] = {}
        """For each batch looked at: did its rows change while they were read, and were they what was handed out?"""
        self.some: dict[str, list[bool]] = {}
        """... Did any of them?"""


class Stored:
    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.watched: dict[tuple[int, int], Watch] = {}
        self.next: Watch | None = None
        """The next batch that this process makes is looked at."""
        self.begins = recorder.guarded("stored", lambda *args: recorder.timed(self._begins, *args))
        self.finish = recorder.guarded("stored", lambda *args: recorder.timed(self._finish, *args))
        self.before = recorder.guarded("stored", lambda *args: recorder.timed(self._before, *args))
        self.after = recorder.guarded("stored", lambda *args: recorder.timed(self._after, *args))

    def _begins(self, known: Loader, ended: bool = False) -> None:
        """A pass begins, or the run has ended. The loader of the pass before still tells how far that came."""
        loader = known.ref()
        if loader is None or loader.num_workers or not known.batches:
            return
        dataset, size = loader.dataset, length(loader.dataset)
        if not size or isinstance(dataset, data.IterableDataset):
            return
        key = id(_innermost(dataset)), size
        watch = self.watched.get(key)
        if watch is None:
            if len(self.watched) >= DATA_SETS:
                return
            watch = self.watched[key] = Watch(known)
        last, watch.loader = watch.loader, known
        if len(watch.copies) >= COPIES:
            return
        if last.in_pass < last.batches and watch.copies:
            watch.copies.pop()  # a part of a pass says nothing of the other rows
        found = rows_of(dataset, range(0, size, -(-size // ROWS)))
        if found and (watch.copies or not ended):
            watch.copies.append(found)
            self.next = None if ended else watch
            self._write(known, watch, dataset)

    def _finish(self) -> None:
        for watch in self.watched.values():
            self._begins(watch.loader, True)

    def _before(self, dataset: Any, indices: Any) -> tuple[Watch, list[int], Rows] | None:
        watch, self.next = self.next, None
        if watch is None or not isinstance(indices, (list, tuple)):
            return None
        return watch, list(indices), rows_of(dataset, indices[:BATCH_ROWS])

    def _after(self, token: tuple[Watch, list[int], Rows], dataset: Any, batch: Any) -> None:
        watch, indices, before = token
        if not watch.wrapped:
            self._wrapped(watch, dataset, indices[:BATCH_ROWS], batch, len(indices))
        for name, rows in rows_of(dataset, indices[:BATCH_ROWS]).items():
            if len(before.get(name, ())) == len(rows):
                changed = 2 * _changed(before[name], rows) > 1
                watch.read.setdefault(name, []).append(changed and _handed_out(rows[0], batch, len(indices)))
                others = [place for place, row in enumerate(rows) if not torch.equal(before[name][place], row)]
                some = any(_handed_out(rows[place], batch, len(indices), place) for place in others)
                watch.some.setdefault(name, []).append(some)

    def _wrapped(self, watch: Watch, dataset: Any, indices: list[int], batch: Any, size: int) -> None:
        """Are the small integers that are stored handed out as they are, or did they run over?"""
        for name, rows in integers_of(dataset, indices).items():
            for handed in wraps.examples_in(batch, size, len(rows)):
                found = wraps.wrapped(rows, handed)
                if found is not None:
                    watch.wrapped = True
                    site = self._site(dataset, name, watch.loader.site)
                    self.recorder.row(
                        "wr",
                        i=watch.loader.index,
                        site=site,
                        name=name.removesuffix("."),
                        n=found.values,
                        st=found.stepped,
                        f=found.factor,
                        dt=found.kind,
                    )
                    return

    def _write(self, known: Loader, watch: Watch, dataset: Any) -> None:
        for name, first in watch.copies[0].items():
            copies = [copy.get(name, []) for copy in watch.copies]
            shapes = [[row.shape for row in rows] for rows in copies]
            read, some = watch.read.get(name, []), watch.some.get(name, [])
            if len(copies) < COMPARED or not any((*read, *some)) or any(one != shapes[0] for one in shapes):
                continue
            again = _again(copies)
            self.recorder.row(
                "rd",
                i=known.index,
                site=self._site(dataset, name, known.site),
                name=name.removesuffix("."),
                n=len(first),
                ch=[number(_changed(one, other)) for one, other in pairwise(copies)],
                far=[number(float((torch.cat(rows) - torch.cat(first)).square().mean())) for rows in copies[1:]],
                sd=[number(float(torch.cat(rows).std(unbiased=False))) for rows in copies],
                rd=sum(read),
                of=len(read),
                so=sum(some),
                ag=len(again),
                up=sum(last > first for first, last in again),
                by=[number(sum(one) / len(again)) for one in zip(*again, strict=True)],
            )

    def _site(self, dataset: Any, name: str, otherwise: int) -> int:
        """Where the examples are read: the `__getitem__` of the data set that holds them, if it is the user's."""
        for owner, _ in _chain(dataset, 0, {}):
            code = getattr(getattr(type(owner), "__getitem__", None), "__code__", None)
            if code is not None and name.startswith(f"{type(owner).__name__}.") and of_user(code.co_filename):
                return self.recorder.site_at(code.co_filename, code.co_firstlineno, code.co_name)
        return otherwise


def rows_of(dataset: Any, indices: Iterable[int]) -> Rows:
    """The rows of examples in everything that a data set, or one inside it, stores one row of for each example."""
    found: Rows = {}
    sizes: dict[int, int] = {}
    stores: dict[int, list[tuple[str, Any]]] = {}
    try:
        for index in indices:
            for owner, place in _chain(dataset, int(index), sizes):
                size = _size(owner, sizes)
                if id(owner) not in stores:
                    stores[id(owner)] = _stores(owner, size)
                for name, store in stores[id(owner)]:
                    if name in found or len(found) < ARRAYS:
                        row = _values(store[place] if len(store) == size else store[place : place + WINDOW])
                        if row is not None:
                            found.setdefault(name, []).append(row)
    except (TypeError, ValueError, LookupError):  # a sampler and a data set may agree on other things than numbers
        return {}
    return found


def integers_of(dataset: Any, indices: Iterable[int]) -> dict[str, list[torch.Tensor]]:
    """The rows of examples in arrays of small integers, whole."""
    found: dict[str, list[torch.Tensor]] = {}
    sizes: dict[int, int] = {}
    try:
        for index in indices:
            for owner, place in _chain(dataset, int(index), sizes):
                for name, store in _stores(owner, _size(owner, sizes)):
                    row = store[place] if len(store) == _size(owner, sizes) else None
                    if row is not None and _is_array(row) and str(row.dtype).removeprefix("torch.") in SMALL:
                        found.setdefault(name, []).append(torch.as_tensor(row))
    except (TypeError, ValueError, LookupError):
        return {}
    return found


def _size(owner: Any, sizes: dict[int, int]) -> int:
    """Its length, asked for once: it may be computed."""
    if id(owner) not in sizes:
        sizes[id(owner)] = length(owner) or 0
    return sizes[id(owner)]


def _chain(dataset: Any, index: int, sizes: dict[int, int], depth: int = 4) -> Iterator[tuple[Any, int]]:
    """The data set, and those that it reads its examples from, each with its own number of the example."""
    yield dataset, index
    inner: Any = None
    if isinstance(dataset, data.Subset):
        inner, index = dataset.dataset, int(dataset.indices[index])
    elif isinstance(dataset, data.ConcatDataset):
        part = bisect_right(dataset.cumulative_sizes, index)
        inner, index = dataset.datasets[part], index - ([0, *dataset.cumulative_sizes])[part]
    else:
        own = getattr(dataset, "__dict__", {})
        inner = next((own[name] for name in INNER if isinstance(own.get(name), data.Dataset)), None)
        if inner is not None and _size(inner, sizes) != _size(dataset, sizes):
            inner = None
    if inner is not None and depth:
        yield from _chain(inner, index, sizes, depth - 1)


def _innermost(dataset: Any) -> Any:
    """The data set at the bottom: what lies around it may be made anew for each pass, as loaders may."""
    with contextlib.suppress(TypeError, ValueError, LookupError):
        *_, (dataset, _) = _chain(dataset, 0, {})
    return dataset


def _stores(owner: Any, size: int) -> list[tuple[str, Any]]:
    """Arrays and lists of one row for each example, or of more: (class and attribute, store)."""
    kind = type(owner).__name__
    if type(owner) in (list, tuple):
        return [(f"{kind}.", owner)]
    found = []
    for name, value in list(getattr(owner, "__dict__", {}).items()):
        parts: Iterable[tuple[Any, Any]] = ((None, value),)
        if type(value) is dict and len(value) <= ARRAYS:
            parts = value.items()
        elif name == "tensors" and type(value) is tuple:
            parts = enumerate(value)
        for part, store in parts:
            if (_is_array(store) or type(store) in (list, tuple)) and len(store) >= max(1, size):
                found.append((f"{kind}.{name}" if part is None else f"{kind}.{name}[{part!r}]", store))
    return found


def _is_array(value: Any) -> bool:
    """A tensor on the CPU, or an array of numbers that can be written to."""
    if isinstance(value, torch.Tensor):
        return plain(value) and value.is_cpu and value.dim() > 0
    numpy = sys.modules.get("numpy")
    return numpy is not None and type(value) is numpy.ndarray and value.dtype.kind in "fiu" and value.ndim > 0


def _values(element: Any) -> torch.Tensor | None:
    """Some values of one stored row, copied; of an element of a list those of all arrays in it."""
    parts = element if isinstance(element, (tuple, list)) else element.values() if type(element) is dict else (element,)
    rows = []
    for part in list(parts)[:ARRAYS]:
        if _is_array(part):
            flat = part.detach() if isinstance(part, torch.Tensor) else part
            flat = flat.reshape(-1)
            flat = flat[:: -(-len(flat) // VALUES) or 1]
            rows.append(
                flat.double().clone() if isinstance(flat, torch.Tensor) else torch.from_numpy(flat.astype("f8"))
            )
    if sum(map(len, rows)) < LEAST_VALUES:
        return None
    return torch.nan_to_num(torch.cat(rows))


def _changed(before: Sequence[torch.Tensor], after: Sequence[torch.Tensor]) -> float:
    """Share of the rows that are others now."""
    return sum(not torch.equal(one, other) for one, other in zip(before, after, strict=True)) / len(after)


def _again(copies: Sequence[Sequence[torch.Tensor]]) -> list[tuple[float, float]]:
    """For each row that more than one pass changed: its squared distance from the first copy after the first of these
    changes, and after the last one."""
    found = []
    for first, *later in zip(*copies, strict=True):
        changes = [after for before, after in pairwise([first, *later]) if not torch.equal(before, after)]
        if len(changes) > 1:
            one, last = ((row - first).square().mean() for row in (changes[0], changes[-1]))
            found.append((float(one), float(last)))
    return found


def _handed_out(row: torch.Tensor, batch: Any, size: int, place: int = 0) -> bool:
    """The example in this place of a batch is this row, or begins with it: its values in any order, or a linear
    function of them in this one, as nearly as it is known after other examples may have changed it too."""
    for tensor in tensors_in(batch):
        if not (plain(tensor) and tensor.is_cpu and tensor.dim()):
            continue
        example = (tensor[place] if len(tensor) == size else tensor).detach().reshape(-1)
        if float(torch.isin(row.float(), example.float()).double().mean()) >= FOUND:
            return True
        few = example[:: -(-len(example) // VALUES) or 1].double()
        few = few if len(few) == len(row) else example[: len(row)].double()
        if len(few) == len(row) and float(torch.corrcoef(torch.stack([few, row]))[0, 1].abs()) >= ALIKE:
            return True
    return False
