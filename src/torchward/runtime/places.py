"""Places in a sequence, as the tables are asked for them that give each place or token a row."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from torchward.runtime.padding import padding_of
from torchward.runtime.tensors import plain

LEAST_PLACES = 4


def texts_begin(places: torch.Tensor, ids: torch.Tensor) -> torch.Tensor | None:
    """Where a second, third, ... text begins, if these are the positions of `ids` and count up from 0 several times."""
    if places is ids or not plain(places) or places.dtype not in (torch.int64, torch.int32) or places.dim() != 2:
        return None
    if places.shape[1] != ids.shape[1] or places.shape[0] not in (1, ids.shape[0]) or bool((places[:, 0] != 0).any()):
        return None
    places = places.expand_as(ids)
    before, after = places[:, :-1], places[:, 1:]
    begins = torch.zeros_like(ids, dtype=torch.bool)
    begins[:, 1:-1] = (before > 0)[:, :-1] & (after == 0)[:, :-1] & (after == 1)[:, 1:]
    return begins if bool(((after == before + 1) | (after == 0)).all()) and bool(begins.any()) else None


class Lookups:
    """While in force, looks at the row numbers that embedding layers are given: are some of them cut off at the end, or
    all the same?"""

    def __init__(self, model: nn.Module, ids: torch.Tensor) -> None:
        self.names = {id(module): name for name, module in model.named_modules()}
        self.tables = [module for module in model.modules() if isinstance(module, nn.Embedding)]
        self.ids = ids
        self.clamped: dict[str, Any] = {}
        self.places = ""
        """A table of places that is asked for one and the same row (and that of padding) at all places."""
        self.handles: list[Any] = []

    def __enter__(self) -> Lookups:
        self.handles = [table.register_forward_pre_hook(self._look) for table in self.tables]
        return self

    def __exit__(self, *_: object) -> None:
        for handle in self.handles:
            handle.remove()

    def _look(self, module: Any, args: Any) -> None:
        rows = args[0] if args else None
        self._look_at_places(module, rows)
        if self.clamped or not isinstance(rows, torch.Tensor) or rows.is_floating_point() or rows.dim() not in (1, 2):
            return
        size = int(module.num_embeddings)
        if size < 2:  # one row for all of them is meant so, as for kinds of tokens where there is but one
            return
        share, tokens = 0.0, False
        if rows.shape == self.ids.shape and torch.equal(rows, self.ids.clamp(max=size - 1)):
            share, tokens = float((self.ids >= size).float().mean()), True
        else:
            line = rows.reshape(-1, rows.shape[-1])[0]
            places = torch.arange(len(line), device=line.device)
            if torch.equal(line, places.clamp(max=size - 1)):
                share = max(0, len(line) - size) / len(line)
        if share > 0:
            self.clamped = {
                "clamped_module": self.names[id(module)],
                "clamped_size": size,
                "clamped_share": round(share, 4),
                "clamped_tokens": tokens,
            }

    def _look_at_places(self, module: Any, rows: Any) -> None:
        length = self.ids.shape[1]
        if not isinstance(rows, torch.Tensor) or rows.is_floating_point() or not rows.dim() or rows.shape[-1] != length:
            return
        # Lookups of a few rows tell parts of a text, or kinds of tokens, apart.
        if length < LEAST_PLACES or module.num_embeddings < length:
            return
        if rows.shape == self.ids.shape and torch.equal(rows.unique(), self.ids.unique()):
            return
        padding = padding_of(self.ids) if rows.shape == self.ids.shape else None
        asked = rows[self.ids != padding] if padding is not None else rows
        if len(asked.unique()) == 1:
            self.places = self.names[id(module)]
