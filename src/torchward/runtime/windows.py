"""Watches windows cut out of series: do those of the evaluation hold stretches of those that were trained on?

Four measured values in a row are as good as unique. Of each window a few such stretches are remembered, chosen by what
they are, so that the same ones are chosen wherever a window begins. A stretch that a held-out window has at another
place than the training window shows that one overlaps the other. What counts is the last part of the held-out window:
its beginning may well be the past that was trained on, where time goes on from training to evaluation.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch

from torchward.runtime.tensors import plain, tensors_in, tolist

if TYPE_CHECKING:
    from torchward.runtime.models import Root
    from torchward.runtime.recorder import Recorder

SHORTEST = 16
"""Places along an axis that may be a window's."""
CHANNELS = 16
ROWS = 256
"""Windows of a batch that are looked at."""
REMEMBERED = 40_000
"""Stretches."""
PER_WINDOW = 8
LAST = 0.75
"""From this share of a window on is its last part."""
LEAST_KNOWN = 200
"""Training windows from which on evaluations are looked at."""
BARREN = 8
"""Batches without a stretch, after which no more is looked for: pictures with much that is blank, one-hot columns."""
EVALUATED = 200
"""Evaluation batches at a line that are looked at."""
DISTINCT = 0.5
"""Share of the values of a window that differ from all others of it: measured ones, not counts, notes or filling."""
OWN = 0.02
"""Share of the windows of an evaluation batch that are training windows as they stand, from which on it is of these."""
WEIGHTS = (1.0, 0.7548776662466927, 0.5698402909980532, 0.430159709001947)
"""Of the values of a stretch, without a common measure."""
ODD = 0x9E3779B97F4A7C15 - 2**64


@dataclass
class _Site:
    looked: int = 0
    own: int = 0
    """Batches of windows that were trained on as they stand."""
    step: int = -1
    windows: int = 0
    overlapping: int = 0
    """... of the last step after which there was an evaluation here, by their last parts."""


@dataclass
class _Kind:
    """Windows of one model along one axis."""

    axis: int
    length: int
    windows: int = 0
    batches: int = 0
    stretches: dict[float, int] = field(default_factory=dict)
    """Stretch -> where it begins in its window."""
    sites: dict[int, _Site] = field(default_factory=dict)


class Windows:
    """On the CPU only: what is on an accelerator would have to be brought from there, value by value."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.kinds: dict[tuple[int, tuple[int, ...], int], _Kind] = {}

    def trained_on(self, root: Root, args: Any, kwargs: Any) -> None:
        """A sampled training call."""
        given = _input(args, kwargs)
        if given is None:
            return
        for axis in _axes(given):
            kind = self.kinds.setdefault((root.index, tuple(given.shape[1:]), axis), _Kind(axis, given.shape[axis]))
            if len(kind.stretches) >= REMEMBERED or (kind.batches >= BARREN and not kind.stretches):
                continue
            kind.batches += 1
            found = _stretches(given, axis)
            kind.windows += len(found)
            for one in found:
                kind.stretches.update(one)

    def asked(self, root: Root, args: Any, kwargs: Any, site: int) -> None:
        """A call without gradients."""
        given = _input(args, kwargs) if self.kinds else None
        if given is None:
            return
        for axis in _axes(given):
            kind = self.kinds.get((root.index, tuple(given.shape[1:]), axis))
            if kind is None or kind.windows < LEAST_KNOWN:
                continue
            at = kind.sites.setdefault(site, _Site())
            if at.looked >= EVALUATED:
                continue
            self._judge(root.index, kind, at, site, _stretches(given, axis))

    def _judge(self, model: int, kind: _Kind, at: _Site, site: int, found: list[dict[float, int]]) -> None:
        last = LAST * (kind.length - len(WEIGHTS) + 1)
        told = [one for one in found if any(place >= last for place in one.values())]
        met = [[kind.stretches[key] == place for key, place in one.items() if key in kind.stretches] for one in told]
        ends = [any(key in kind.stretches and place >= last for key, place in one.items()) for one in told]
        if not told:
            return
        at.looked += 1
        own = sum(bool(one) and all(one) for one in met)
        if own > OWN * len(told):
            at.own += 1
        else:
            step = self.recorder.step
            if step != at.step:
                at.step, at.windows, at.overlapping = step, 0, 0
            at.windows += len(told)
            at.overlapping += sum(end and not any(one) for end, one in zip(ends, met, strict=True))
        row = {"n": at.windows, "h": at.overlapping, "b": at.looked, "own": at.own}
        self.recorder.row("wo", m=model, s=at.step, site=site, ax=kind.axis, **row)


def _input(args: Any, kwargs: Any) -> torch.Tensor | None:
    given = next((one for one in tensors_in((args, kwargs)) if plain(one)), None)
    if given is None or not given.is_cpu or not given.is_floating_point() or given.requires_grad:
        return None
    return given.detach() if given.dim() in (2, 3) and given.shape[0] >= 2 else None


def _axes(given: torch.Tensor) -> list[int]:
    return [axis for axis in range(1, given.dim()) if given.shape[axis] >= SHORTEST]


def _stretches(given: torch.Tensor, axis: int) -> list[dict[float, int]]:
    """Of each window, the chosen stretches and where they begin; none where values come again and again."""
    given = given[:ROWS].movedim(axis, 1).double()
    length = given.shape[1]
    if given.dim() == 2:
        places = given
    else:  # one after the other: a sum over an axis may be rounded otherwise in a batch of another size
        places = torch.zeros(given.shape[:2], dtype=torch.float64)
        for channel in range(min(CHANNELS, given.shape[2])):
            places = places + given[:, :, channel] * WEIGHTS[1] ** channel
    ordered = places.sort(1).values
    if not bool(torch.isfinite(places).all()) or (ordered.diff(dim=1) != 0).double().mean() < DISTINCT:
        return []
    count = length - len(WEIGHTS) + 1
    made = torch.zeros(len(places), count, dtype=torch.float64)
    for number, weight in enumerate(WEIGHTS):
        made = made + places[:, number : number + count] * weight
    differ = places[:, :count] != places[:, 1 : count + 1]
    marks = (made.view(torch.int64) * ODD).bitwise_right_shift(40).bitwise_and(0xFFFF)
    chosen = (marks < 0x10000 * PER_WINDOW // count) & differ
    found: list[dict[float, int]] = [{} for _ in range(len(places))]
    rows, begins = chosen.nonzero(as_tuple=True)
    for row, begin, value in zip(tolist(rows), tolist(begins), tolist(made[rows, begins]), strict=True):
        found[int(row)][value] = int(begin)
    return found
