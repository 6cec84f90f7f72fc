"""Watches what the token sequences of a model begin with, in training and where it is asked without gradients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from torchward.runtime.tensors import item, plain, tensors_in

if TYPE_CHECKING:
    from torchward.runtime.models import Root
    from torchward.runtime.recorder import Recorder

ROWS = 4_096
"""Rows after which no more is counted."""
BATCH = 256
"""Rows of one call that are looked at."""


class _Begun:
    def __init__(self, token: int) -> None:
        self.token = token
        """What every training row has begun with so far."""
        self.trained = self.batches = self.asked = self.having = 0
        """Rows trained on, their batches, rows asked for without gradients, and those of them that have the token."""


class Begins:
    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.known: dict[int, _Begun | None] = {}
        """Index of a model -> what its rows begin with; None where that is not always the same."""

    def trained_on(self, root: Root, args: Any, kwargs: Any) -> None:
        """A sampled training call."""
        ids = _ids(args, kwargs)
        if ids is None or self.known.get(root.index, ids) is None:
            return
        begun, first = self.known.get(root.index), ids[:, 0]
        if begun is None:
            begun = self.known[root.index] = _Begun(int(item(first[0])))
        if not bool((first == begun.token).all()):
            self.known[root.index] = None
        elif begun.trained < ROWS:
            begun.trained += len(ids)
            begun.batches += 1

    def asked(self, root: Root, args: Any, kwargs: Any, site: int) -> None:
        """A call without gradients."""
        begun, ids = self.known.get(root.index), _ids(args, kwargs)
        if begun is None or ids is None or begun.having or begun.asked >= ROWS:
            return
        begun.asked += len(ids)
        begun.having = int((ids == begun.token).any(1).sum())
        row = {"t": begun.token, "n": begun.trained, "b": begun.batches, "e": begun.asked, "h": begun.having}
        self.recorder.row("begins", m=root.index, s=self.recorder.step, site=site, **row)


def _ids(args: Any, kwargs: Any) -> torch.Tensor | None:
    """The first input, if it is (example, position) in whole numbers; a single position is a step of a generation."""
    given = next(tensors_in((args, kwargs), 4), None)
    if given is None or not plain(given) or given.dtype not in (torch.int64, torch.int32) or given.dim() != 2:
        return None
    return given[:BATCH] if given.device.type == "cpu" and given.shape[0] and given.shape[1] > 1 else None
