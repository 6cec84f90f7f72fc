"""Watches categories that are turned into numbers by themselves, and the embedding layers that these numbers reach.

Of a column only its categories are kept, as hashes, a checksum of its first numbers, and the names of its rows.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

import torch

from torchward.runtime.tensors import plain

if TYPE_CHECKING:
    from torchward.runtime.models import Root
    from torchward.runtime.recorder import Recorder

COLUMNS = 64
"""The newest ones that are followed."""
LIMIT = 512
"""Columns that are looked at in all: who numbers more does so in a loop."""
FEWEST, MOST = 4, 20_000
"""Categories of a column."""
ROWS = 100_000
"""Of a column, up to which the names of its rows are kept."""
SPLITS = 4
"""Columns of one name that are numbered before a training, at most: more are of a model each."""
HEAD = 24
"""Numbers at the beginning of a column by which it is known again ..."""
DIFFERENT = 3
"""... of which so many are different, at least."""
AXES = 16
"""Columns of a matrix of numbers that are looked at."""


class _Column:
    def __init__(self, codes: Any, categories: Any, values: Any, step: int, site: int) -> None:
        self.codes = {hash(one): place for place, one in enumerate(categories)}
        self.rows, self.step, self.site = len(codes), step, site
        self.name = str(getattr(values, "name", "") or "")
        self.head = _checksum(torch.tensor([int(one) for one in codes[:HEAD]]))
        index: Any = getattr(values, "index", None)
        self.index = index if index is not None and len(index) <= ROWS else None

    def moved(self, other: _Column) -> tuple[int, int]:
        """Categories that both have, and those of them that have another number."""
        both = self.codes.keys() & other.codes.keys()
        return len(both), sum(self.codes[one] != other.codes[one] for one in both)

    def apart(self, other: _Column) -> bool:
        """They are of different rows of one table, or numbered by the same line."""
        if self.site == other.site:
            return True
        one, two = self.index, other.index
        if one is None or two is None or one.dtype != two.dtype or not (one.is_unique and two.is_unique):
            return False
        return not bool(one.isin(two).any())


class Codes:
    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.columns: list[_Column] = []
        self.told: set[tuple[int, int]] = set()
        self.looked_at = 0
        self.looked_up = recorder.guarded("codes", self._looked_up)

    def made(self, values: Any, codes: Any, categories: Any, site: int) -> None:
        """Categories were numbered as they came, or in order, by the user's program."""
        self.looked_at += 1
        if self.looked_at > LIMIT or getattr(codes, "ndim", 0) != 1:
            return
        if len(codes) < HEAD or not FEWEST <= len(categories) <= MOST:
            return
        column = _Column(codes, categories, values, self.recorder.step, site)
        self.columns = [*self.columns[-COLUMNS + 1 :], column]

    def _looked_up(self, root: Root, module: Any, rows: Any) -> None:
        """An embedding layer was called without gradients."""
        if (root.index, id(module)) in self.told or not plain(rows) or rows.is_floating_point() or not rows.is_cpu:
            return
        if rows.dim() in (1, 2) and len(rows) >= HEAD:
            self.recorder.timed(self._look_for, root, module, rows)

    def _look_for(self, root: Root, module: Any, rows: torch.Tensor) -> None:
        key = root.index, id(module)
        heads = rows[:HEAD, None] if rows.dim() == 1 else rows[:HEAD, :AXES]
        for head in heads.unbind(1):
            if len(head.unique()) < DIFFERENT:
                continue
            checksum = _checksum(head)
            for column in self.columns:
                if column.head == checksum:
                    self._tell(root, module, column, key)

    def _tell(self, root: Root, module: Any, column: _Column, key: tuple[int, int]) -> None:
        """The numbers of a column: do those of a larger one, of other rows, mean something else?"""
        alike = [other for other in self.columns if other.name == column.name and other.step == column.step]
        for other in alike if len(alike) <= SPLITS else ():
            if other.rows <= column.rows:
                continue
            shared, moved = other.moved(column)
            if shared >= FEWEST and moved and len(other.codes) <= module.num_embeddings and other.apart(column):
                self.told.add(key)
                self.recorder.row(
                    "codes",
                    m=root.index,
                    mod=next((name for name, one in self._names(root) if one is module), ""),
                    s=self.recorder.step,
                    name=column.name,
                    site=column.site,
                    other=other.site,
                    n=column.rows,
                    on=other.rows,
                    both=shared,
                    moved=moved,
                )
                return

    @staticmethod
    def _names(root: Root) -> list[tuple[str, Any]]:
        module = root.ref()
        return list(module.named_modules()) if module is not None else []


def _checksum(codes: torch.Tensor) -> int:
    return zlib.crc32(codes.detach().long().contiguous().numpy().tobytes())
