"""Watches whole numbers that are cut off at the last row of an embedding before a model is given them.

In sampled steps, calls of `clamp` and its like outside of models are looked at; what becomes of their result is known
by its memory. What is cut inside a model is seen by an experiment (`places`).
"""

from __future__ import annotations

import sys
from types import FrameType
from typing import TYPE_CHECKING, Any

import torch
from torch.multiprocessing.reductions import StorageWeakRef

from torchward.runtime.evaluations import CLASS_LOSSES
from torchward.runtime.tensors import item, plain, user_frame

if TYPE_CHECKING:
    from torchward.runtime.models import Root
    from torchward.runtime.recorder import Recorder

OPERATIONS = {"clamp": 1, "clamp_": 1, "clip": 1, "clip_": 1, "clamp_max": 0, "clamp_max_": 0, "minimum": 0}
"""Methods of `Tensor` -> place of the largest number among their arguments."""
ABOVE = 16
"""Numbers behind the last row that are counted one by one."""
LIMIT = 16
"""Calls of a sampled step."""
VALUES, HIGHEST = 1_000_000, 262_144
ROWS = 64
"""Sampled steps with numbers cut off that are written down, for each table."""


class _Cut:
    def __init__(self, bound: int, ids: torch.Tensor, site: int) -> None:
        self.bound, self.site = bound, site
        self.memory: StorageWeakRef | None = None
        """Of what was made of it."""
        self.examples, self.length = (ids.shape[0], ids.shape[-1]) if ids.dim() > 1 else (1, len(ids))
        self.counts = _counts(ids.detach().reshape(self.examples, -1).long(), bound)


class Cuts:
    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.step = -1
        self.made: list[_Cut] = []
        """In the sampled step that is under way, ..."""
        self.found: dict[tuple[int, str], tuple[_Cut, int, torch.Tensor | None]] = {}
        """... and those that an embedding was asked for: (model, path) -> it, how often training had asked the table in
        sampled steps before, and whether for its last row."""
        self.written: dict[tuple[int, str], int] = {}

    def stand_ins(self) -> list[tuple[Any, str, Any]]:
        """(owner, attribute, value) of what is to be in place in sampled steps."""
        return [(torch.Tensor, name, self._stand_in(name, place)) for name, place in OPERATIONS.items()]

    def _stand_in(self, name: str, place: int) -> Any:
        original, recorder, frame_of = getattr(torch.Tensor, name), self.recorder, sys._getframe
        before = recorder.guarded("cut numbers", self._before)
        after = recorder.guarded("cut numbers", self._after)
        whole = (torch.int64, torch.int32)

        def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
            cut = None
            if getattr(self, "dtype", None) in whole and not recorder.inside and not recorder.models.depth:
                most = kwargs.get("max", kwargs.get("other", args[place] if len(args) > place else None))
                cut = before(self, most, frame_of(1))
            try:
                result = original(self, *args, **kwargs)
            except BaseException as error:
                error.__traceback__ = error.__traceback__.tb_next  # type: ignore[union-attr]
                raise
            if cut is not None:
                after(cut, result)
            return result

        return wrapper

    def _before(self, ids: Any, most: Any, frame: FrameType) -> _Cut | None:
        if self.step != self.recorder.step:
            self.step, self.made = self.recorder.step, []
            self.found.clear()
        if isinstance(most, torch.Tensor) and most.numel() == 1 and most.is_cpu and not most.is_floating_point():
            most = int(item(most))
        if type(most) is not int or not plain(ids) or not ids.dim() or len(self.made) >= LIMIT:
            return None
        if not 0 < most < HIGHEST or ids.numel() > VALUES or not torch.is_grad_enabled():
            return None
        return self.recorder.timed(_Cut, most, ids, self.recorder.site(user_frame(frame)))

    def _after(self, cut: _Cut, result: Any) -> None:
        if plain(result):
            cut.memory = StorageWeakRef(result.untyped_storage())
            self.made.append(cut)

    def looked_up(self, root: Root, name: str, rows: Any, size: int, asked: int, last: torch.Tensor | None) -> None:
        """An embedding of so many rows is asked for these. `asked`, `last`: see `found`."""
        if self.step != self.recorder.step or not self.recorder.sampling or not torch.is_grad_enabled():
            return
        if not plain(rows) or rows.dim() < 2 or self.written.get((root.index, name), 0) >= ROWS:
            return
        memory = StorageWeakRef(rows.untyped_storage())
        cut = next((one for one in self.made if one.bound == size - 1 and one.memory == memory), None)
        if cut is not None and cut.length > 1:
            self.found.setdefault((root.index, name), (cut, asked, last))

    def trained(self) -> None:
        """A sampled backward pass begins: the loss may be of as many classes as the table has rows."""
        loss = self.recorder.losses.last
        if not self.found or self.step != self.recorder.step or loss is None or loss[0] not in CLASS_LOSSES:
            return
        prediction, target = loss[1], loss[2]
        if prediction.dim() < 2 or not plain(target) or target.is_floating_point():
            return
        for (model, name), (cut, asked, last) in self.found.items():
            if prediction.shape[1] == cut.bound + 1:
                self._write(model, name, cut, asked, last, (target.detach() == cut.bound).sum())
        self.found.clear()

    def _write(
        self, model: int, name: str, cut: _Cut, asked: int, last: torch.Tensor | None, target: torch.Tensor
    ) -> None:
        row: dict[str, Any] = {"m": model, "mod": name, "s": self.recorder.step, "site": cut.site}
        row |= {"rows": cut.bound + 1, "len": cut.length, "ex": cut.examples, "b": asked}
        told = target.new_zeros(()) if last is None else last
        scalars = [one.float() for one in (target, told, *cut.counts.unbind())]

        def write(values: list[float]) -> None:
            target, told, negative, distinct, below, natural = map(int, values[:6])
            above, places, filling = (values[6 + n * ABOVE : 6 + (n + 1) * ABOVE] for n in range(3))
            further = int(values[-1])
            if not sum(above) and not further:
                return
            self.written[model, name] = self.written.get((model, name), 0) + 1
            highest = max((place for place, count in enumerate(above) if count), default=-1) + 1
            figures = {"u": bool(told), "t": target, "neg": negative, "d": distinct, "n": below, "l": natural}
            each = [[int(above[n]), round(places[n], 4), int(filling[n] > 0)] for n in range(highest)]
            self.recorder.row("cutoff", **row, **figures, a=each, far=further)

        self.recorder.reader.read(scalars, write)


def _counts(ids: torch.Tensor, bound: int) -> torch.Tensor:
    """How many are below 0, how many different ones there are in range, how many lie below the bound and at it; for
    each number above it how often it occurs, in which share of the rows, and in how many rows it fills up an end; how
    many lie further above."""
    rows = ids.shape[0]
    place = (ids - bound).clamp(-1, ABOVE + 1) + 1
    each = torch.zeros(rows, ABOVE + 3, device=ids.device).scatter_add_(1, place, torch.ones_like(place).float())
    seen = torch.zeros(bound + 1, device=ids.device).index_fill_(0, ids.clamp(0, bound).reshape(-1), 1.0)
    filling = torch.zeros(ABOVE + 3, device=ids.device)
    if ids.shape[1] > 1:
        for end, beside in ((0, 1), (-1, -2)):
            filling.scatter_add_(0, place[:, end], (ids[:, end] == ids[:, beside]).float())
    total, having = each.sum(0), (each > 0).float().mean(0)
    head = torch.stack([(ids < 0).sum().float(), seen.sum()])
    one_by_one = slice(2, ABOVE + 2)
    return torch.cat([head, total[:2], total[one_by_one], having[one_by_one], filling[one_by_one], total[-1:]])
