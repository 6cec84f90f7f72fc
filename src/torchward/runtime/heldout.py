"""Watches what a model is evaluated on: rows that it was trained on, inputs that are other ones at each evaluation,
tables that were standardised by themselves.

Rows are known by a sum over their values with irrational weights, one number per row; nothing else of them is kept.
"""

from __future__ import annotations

import math
import zlib
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeGuard

import torch

from torchward.runtime.columns import Columns
from torchward.runtime.fitted import Fitted
from torchward.runtime.folds import Folds
from torchward.runtime.keys import EMPTY, VALUES, WIDE, keys_of_rows
from torchward.runtime.tensors import number, plain, tensors_in, thin, tolist
from torchward.runtime.units import Units
from torchward.runtime.windows import Windows

if TYPE_CHECKING:
    from torchward.runtime.models import Root
    from torchward.runtime.recorder import Recorder

ROWS = 64
"""Rows of a training batch that are remembered, about: those whose key falls into one class of so many that this is
left. The same rows fall out wherever they stand, in training and in evaluation."""
REMEMBERED = 20_000
ALL = 0.9
"""Share of the remembered training rows that are among those of one evaluation batch: it is all data there are."""
EVALUATIONS = 60
"""Evaluation batches that are looked at."""
EXACT_ROWS = 16
EXACT = 1e-4
"""How near the mean of a column is to 0 and its deviation to 1 where it was standardised with these very rows: rounding
in float32. By chance, those of a thousand rows are off by 0.03."""
DISTINCT = 0.25
"""Share of different values in a column of measured ones."""
MOST = 0.9
"""Share of these columns that are so."""
SHUFFLED = 0.1
"""Share of values met in training from which on a table is made of these."""
LEAST_VALUES = 16
"""Numbers of an example from which on it is no coincidence if all are the same."""
FAR, FAR_VALUES = 10.0, 8
"""Deviations of the other values of a feature, of which there are at least so many different ones, that a value is away
from the nearest of them: of a million normal draws the two largest are 0.2 apart."""
RANGES = 3.0
"""... and times their range."""
PLACES, NEAR = 64, 3
"""Places of such a value that are looked at, and values before and after each."""
SPARSE = 0.5
"""Share of the others that are one value from which on the rest are rare, and may be anything: counts of words."""


class _Rows:
    """What one model was trained on."""

    def __init__(self) -> None:
        self.seen: set[str] = set()
        self.classes = 0
        """One of so many classes of keys is kept; 0: not chosen yet."""
        self.recent: list[tuple[int, int]] = []
        """(rows, rows already known) of the last training batches: how well the training data is known by now."""
        self.evaluations = 0
        self.sizes: list[float] = []
        """Root mean squares of the last training batches."""
        self.batches = self.examples = self.empty = 0
        """... and of all: how many, of how many examples, and how many of these are one value throughout."""
        self.exact = False
        """A training batch was standardised by itself."""
        self.column = -1
        """The column of a table whose values differ most; -1: not chosen yet."""
        self.rows: set[str] = set()
        self.pairs: set[tuple[str, str]] = set()
        """Rows of a sequence model's input, and those that stood one after the other."""
        self.values: set[float] = set()
        """Values in it that were trained on."""


class HeldOut:
    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.rows: dict[int, _Rows] = {}
        self.fitted = Fitted(recorder)
        self.folds = Folds(recorder)
        columns = Columns(recorder)
        self.watch_columns, self.ask_columns = (
            recorder.guarded("columns", one) for one in (columns.trained_on, columns.asked)
        )
        windows = Windows(recorder)
        self.watch_windows, self.ask_windows = (
            recorder.guarded("windows", one) for one in (windows.trained_on, windows.asked)
        )
        units = Units(recorder)
        self.watch_units, self.ask_units = (recorder.guarded("units", one) for one in (units.trained_on, units.asked))
        self.even = True
        """Every training row is drawn as often as any other, as far as the loaders tell."""

    def forget(self) -> None:
        """Weights were loaded, or an optimizer was made: what the model has seen before may no longer count."""
        self.rows.clear()

    def trained_on(self, root: Root, args: Any, kwargs: Any) -> None:
        """A sampled training call."""
        self.folds.trained_on(root, args, kwargs)
        self.watch_columns(root, args, kwargs)
        self.watch_windows(root, args, kwargs)
        known = self.rows.get(root.index)
        if known is None:
            known = self.rows[root.index] = _Rows()
        if len(known.seen) > REMEMBERED:
            return
        given = _given(args, kwargs)
        self._look_at_values(root, known, given)
        keys = keys_of_rows(given)
        known.exact = known.exact or (len(known.recent) < 8 and _standardised(given))
        if _is_table(given) and len(known.values) <= REMEMBERED:
            if known.column < 0:
                known.column = max(range(min(WIDE, given.shape[1])), key=lambda place: given[:, place].unique().numel())
            known.values.update(tolist(given[:, known.column]) if known.column < given.shape[1] else ())
        if root.time_first is not None and keys:
            self._rows_as_time(root, root.time_first, known, keys)
        if keys and given is not None and given.is_cpu:
            self.watch_units(root, given, keys)
        if not known.classes and keys:
            known.classes = -(-len(keys) // ROWS)
        keys = _kept(keys, known.classes)
        if keys:
            self.fitted.trained_on(root, keys)
            known.recent = [*known.recent[-7:], (len(keys), sum(key in known.seen for key in keys))]
            known.seen.update(keys)

    def _look_at_values(self, root: Root, known: _Rows, given: torch.Tensor | None) -> None:
        """How large are the numbers of a training batch? Are some of its examples empty, one value throughout?"""
        if given is None or not _is_measured(given):
            return
        known.sizes = [*known.sizes[-7:], _size(given)]
        if given.dim() in (2, 3):
            for value, times, held, apart in _far_off(given.detach().float()):
                row = {"v": number(value), "n": times, "r": held, "d": number(apart)}
                self.recorder.row("far", m=root.index, s=self.recorder.step, **row)
        rows = given.detach().flatten(1)
        empty = int((rows.amax(1) == rows.amin(1)).sum()) if rows.shape[1] >= LEAST_VALUES else 0
        known.batches += 1
        known.examples += len(rows)
        if empty:
            known.empty += empty
            row = {"n": known.examples, "e": known.empty, "b": known.batches, "d": given.dim()}
            self.recorder.row("em", m=root.index, s=self.recorder.step, **row)

    def _rows_as_time(self, root: Root, layer: tuple[str, str], known: _Rows, keys: list[str]) -> None:
        """Examples are shuffled from pass to pass, so rows come again, but not one after the other; moments do not."""
        if len(known.rows) > REMEMBERED:
            return
        pairs = list(pairwise(keys))
        again, together = sum(key in known.rows for key in keys), sum(pair in known.pairs for pair in pairs)
        known.rows.update(keys)
        known.pairs.update(pairs)
        self.recorder.row(
            "tf", m=root.index, s=self.recorder.step, mod=layer[0], mk=layer[1], n=len(keys), r=again, p=together
        )

    def asked(self, root: Root, args: Any, kwargs: Any, site: int) -> None:
        """A call without gradients."""
        self.ask_columns(root, args, kwargs, site)
        self.ask_windows(root, args, kwargs, site)
        known = self.rows.get(root.index) if self.even else None
        if known is None or len(known.recent) < 4 or known.evaluations >= EVALUATIONS:
            return
        given = _given(args, kwargs)
        keys = _kept(keys_of_rows(given), known.classes)
        if keys:
            known.evaluations += 1
            self.fitted.asked(root, keys, known.seen, known.recent)
            hits = sum(key in known.seen for key in keys)
            if given is not None and given.is_cpu:
                again = sum(seen for _, seen in known.recent) / max(1, sum(rows for rows, _ in known.recent))
                self.ask_units(root, given, hits / len(keys), again, site)
            # Beside a time step, or an amount of noise, inputs may well be larger now and smaller later.
            alone = len(list(tensors_in((args, kwargs), 4))) == 1
            self.recorder.row(
                "ov",
                m=root.index,
                s=self.recorder.step,
                site=site,
                n=len(keys),
                h=hits,
                a=len(known.seen.intersection(keys)) >= ALL * len(known.seen),
                tn=sum(rows for rows, _ in known.recent),
                th=sum(seen for _, seen in known.recent),
                z=_standardised(given) and not self._shuffled(known, given),
                tz=known.exact,
                sz=number(_size(given)) if given is not None and _is_measured(given) and alone else None,
                ts=[number(min(known.sizes)), number(max(known.sizes))] if known.sizes else None,
                d=sum(times for key, times in Counter(keys).items() if times > 1 and key in known.seen),
            )

    @staticmethod
    def _shuffled(known: _Rows, given: torch.Tensor | None) -> bool:
        """A table of training values in other rows, as where one column is shuffled to see what it matters."""
        if not _is_table(given) or not 0 <= known.column < given.shape[1]:
            return True
        values = tolist(given[:, known.column])
        return sum(value in known.values for value in values) > SHUFFLED * len(values)


def _is_measured(given: torch.Tensor) -> bool:
    """A batch of examples of several numbers each, none of them made by another part of the model."""
    measured = given.is_floating_point() and given.dim() > 1 and given.device.type == "cpu" and not given.requires_grad
    return measured and given.numel() <= VALUES


def _size(given: torch.Tensor) -> float:
    return float(given.detach().double().square().mean().sqrt())


def _far_off(given: torch.Tensor) -> Iterator[tuple[float, int, int, float]]:
    """(value, how often, in how many different examples, distance of the nearest other in deviations of the others) of
    the largest and the least value of a batch, (example, ..., feature), if those of its feature vary far from it."""
    mean, deviation = float(given.mean()), float(given.std())
    for value in (float(given.max()), float(given.min())):
        if not math.isfinite(value) or abs(value - mean) <= FAR * deviation / 2:
            continue
        places = torch.nonzero(given == value)
        feature = given[..., int(places[:, -1].mode().values)].double()
        others = feature[feature != value]
        if len(others) < len(feature) * 0.8 or others.unique().numel() < FAR_VALUES:
            continue
        if float((others == others.mode().values).double().mean()) >= SPARSE:
            continue
        nearest = float((others - value).abs().min())
        if nearest >= FAR * float(others.std()) > 0 and nearest >= RANGES * float(others.max() - others.min()):
            # Drawn with replacement, one example may stand in a batch twice.
            examples = given[places[:, 0].unique()].flatten(1).unique(dim=0)
            different = min(len(examples), _readings(given, places[:PLACES]))
            yield value, len(places), different, nearest / float(others.std())


def _readings(given: torch.Tensor, places: torch.Tensor) -> int:
    """How many readings stand at these places of a batch? Windows of one series share one, each at a place of its own,
    with what was read before and after it."""
    found: list[list[tuple[int, int, list[float | None]]]] = []
    for place in tolist(places):
        own = [(axis, place[axis], _around(given, place, axis)) for axis in range(1, given.dim())]
        if not any(_same_reading(one, other) for known in found for one in known for other in own):
            found.append(own)
    return len(found)


def _around(given: torch.Tensor, place: list[int], axis: int) -> list[float | None]:
    """The values before and after a place along an axis; None outside."""
    index: list[Any] = list(place)
    index[axis] = slice(None)
    line, middle = tolist(given[tuple(index)]), place[axis]
    near = [middle + offset for offset in range(-NEAR, NEAR + 1) if offset]
    return [line[one] if 0 <= one < len(line) else None for one in near]


def _same_reading(one: tuple[int, int, list[float | None]], other: tuple[int, int, list[float | None]]) -> bool:
    both = [(a, b) for a, b in zip(one[2], other[2], strict=True) if a is not None and b is not None]
    # One at the begin of a window and one at the end of another have nothing in common that could tell.
    return one[0] == other[0] and one[1] != other[1] and all(a == b for a, b in both)


def _is_table(given: torch.Tensor | None) -> TypeGuard[torch.Tensor]:
    if given is None or given.dim() != 2 or not given.is_floating_point() or given.device.type != "cpu":
        return False
    return given.numel() <= VALUES


def _kept(keys: list[str], classes: int) -> list[str]:
    keys = [key for key in keys if not key.startswith(EMPTY)]
    return keys if classes == 1 else [key for key in keys if zlib.crc32(key.encode()) % classes == 0]


def _given(args: Any, kwargs: Any) -> torch.Tensor | None:
    """The first input."""
    return next((tensor for tensor in (*tensors_in(args), *tensors_in(kwargs)) if plain(tensor)), None)


def _standardised(given: torch.Tensor | None) -> bool:
    """The columns of a table have mean 0 and deviation 1 over these very rows. Those of few values may have so by what
    they are, as the hour of the day has in every whole week, and those of two are often left as they are."""
    if not _is_table(given):
        return False
    rows, columns = given.shape
    if rows < EXACT_ROWS or columns < 2:
        return False
    values = given.detach().double()
    mean, deviation = values.mean(0), values.std(0, unbiased=False)
    varied = deviation > EXACT
    near = (deviation - 1).abs().minimum((deviation * math.sqrt(rows / (rows - 1)) - 1).abs())
    exact = varied & (mean.abs() < EXACT) & (near < EXACT)
    if int(exact.sum()) < 2:
        return False
    several = [place for place in range(columns) if values[:, place].unique().numel() > DISTINCT * rows]
    return sum(bool(exact[place]) for place in several) >= max(2, MOST * len(several))


def first_batch(batch: Any) -> tuple[list[float], list[float]] | None:
    """(sums of the floating-point tensors, of the whole-number ones) of a batch; None if there are no inputs."""
    inputs: list[float] = []
    labels: list[float] = []
    for tensor in list(tensors_in(batch))[:4]:
        if not plain(tensor) or tensor.device.type != "cpu" or tensor.is_complex():
            return None
        few = thin(tensor).double()
        ramp = torch.arange(1, few.numel() + 1, dtype=torch.float64)
        if tensor.is_floating_point():
            inputs.append(float(few.nan_to_num(0, 0, 0).sum()))
        elif tensor.dim() <= 1:
            labels.append(float((few * ramp).sum()))
    return (inputs, labels) if inputs else None
