"""Watches denoisers: how large what they are given, and what they make of it, is at which time, in training and where
samples are drawn.

A denoiser is given a batch and one number per example beside it, a time or an amount of noise, and makes the shape of
the batch anew. In training a batch holds many times; where samples are drawn all examples of a call share one, which
rises or falls from call to call: a sweep. Held-out losses are of many times, and so are told apart.
"""

from __future__ import annotations

import math
import weakref
from bisect import bisect_left
from collections import deque
from itertools import combinations_with_replacement, pairwise
from types import CodeType, FrameType
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from torchward.runtime.tensors import caller, number, plain, tensors_in, thin

if TYPE_CHECKING:
    from torchward.runtime.recorder import Recorder

BATCHES = 64
"""Last training batches that are remembered, ..."""
ROWS = 256
"""... and examples of each; on accelerators, where they are copied one by one, fewer."""
ROWS_COPIED = 64
VARIED = 4
"""Different times in a training batch."""
RECENT = 3
"""Batches are compared with that are from later than the steps so far divided by this: a model changes."""
COLUMNS, VALUES = 4_096, 65_536
"""Values of a training example, and of a batch of a sweep, that are looked at, at most."""
BESIDE, COLUMNS_BESIDE = 3, 64
"""Tensors beside the batch and the time of which it is seen whether all examples are told the same; values of each."""
FINE, PER_FINE = 40, 16
"""Parts of equally many training examples into which the times are divided, at most; and examples in one, at least."""
COARSE = 10
"""Parts of equally many training examples for which is told how large all is."""
TIMES = 8
"""Different times in turn, rising or falling, that make a sweep."""
THINNED = 64
"""Calls of a sweep that are all looked at; of the next as many, every second one is, then every fourth."""
SPACING = 10
"""Sweeps are looked at again after the steps so far divided by this."""
AT_ONCE = 4
"""Sweeps that are followed between two steps."""
LOOKS = 8_192
"""Calls that are looked at, of the whole run."""
WAITS = 10
"""Where gradients are switched off and no sweep follows, it is looked again after twice as many times, at most two to
the power of this."""


PAIRED = 8_192
"""Values of the batch and of what was made of it that are kept until the next call, as copies."""
UNSURE = 0.05
"""Standard deviation of the part of the data that a call leaves, above which that is not known."""

Example = tuple[float, ...]
"""Time; mean squares of what is given and of what was made of it; mean product of the first and of what the second one
is off by; mean square of what was to be made; mean product of that and of what is given."""


class Denoiser:
    """A module that is told a time, and makes the shape of what it is given."""

    def __init__(self, root: int, module: nn.Module, place: int, count: int) -> None:
        self.root = root
        self.kind = type(module)
        self.ref = weakref.ref(module)
        self.shapes = [one.shape for one in module.parameters()]
        self.place, self.count = place, count
        """Which of so many tensors that it is given tells the time."""
        self.batches: deque[tuple[int, list[Example]]] = deque(maxlen=BATCHES)
        """(step, examples) of each."""
        self.sweep: _Sweep | None = None
        self.step, self.sweeps = -1, 0
        """Step after which sweeps were last followed, and how many."""
        self.calls = 0
        """Calls of the sweep under way, looked at or not."""
        self.asked = 0
        self.before: tuple[int, int, list[torch.Tensor]] | None = None
        """(step, `asked`, some of the batch and of what was made of it) of the last call that was looked at."""


class _Sweep:
    def __init__(self, index: int, step: int, site: int, rows: int) -> None:
        self.index, self.step, self.site, self.rows = index, step, site, rows
        self.sign = 0
        """1 where times rise, -1 where they fall, 0 as long as that is not known."""
        self.times = 0
        self.points: list[tuple[float, float, float]] = []
        """(time, mean square of the batch, of what was made of it)."""
        self.steps: list[tuple[float, float]] = []
        """(time, square of 1 / the factor by which the call leaves the batch to the next one, beside what was made)."""
        self.written = 0
        self.alike, self.guided = 0, False
        """Calls in which all examples had the same label, or whatever the model is told beside the time; and whether
        two calls, or both halves of one, were the same batch at the same time, as for guidance without a classifier."""


class _Place:
    """A line that switches gradients off."""

    def __init__(self) -> None:
        self.barren = self.skip = 0


class Sweeps:
    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.known: list[Denoiser] = []
        self.of: dict[int, tuple[weakref.ref[nn.Module], Denoiser | None]] = {}
        """Identity of a module -> which denoiser it is, or is a copy of."""
        self.places: dict[tuple[CodeType, int], _Place] = {}
        self.waiting: _Place | None = None
        """Where gradients were last switched off and calls are looked at: no sweep came yet."""
        self.made = self.looks = 0

    # -- training

    def trained_on(
        self, denoiser: Denoiser, times: torch.Tensor, x: torch.Tensor, made: torch.Tensor, target: torch.Tensor
    ) -> None:
        """A sampled training call: what it was given at which times, what it made of that, and what it was to make."""
        rows = ROWS if x.is_cpu else ROWS_COPIED
        if times.device != x.device:
            return
        few = [one.detach()[:rows].flatten(1).float() for one in (x, made, target)]
        given, got, wanted = (one[:, :: -(-one.shape[1] // COLUMNS)] for one in few)
        columns = [given.square(), got.square(), given * (got - wanted), wanted.square(), given * wanted]
        step = self.recorder.step

        def write(values: list[float]) -> None:
            count = len(given)
            if len(set(values[:count])) >= VARIED and all(map(math.isfinite, values)):
                examples = list(
                    zip(*(values[start : start + count] for start in range(0, len(values), count)), strict=True)
                )
                self._remember(denoiser).batches.append((step, examples))

        told = times.flatten()[:rows].float()
        self.recorder.reader.read(list(torch.cat([told, *(one.mean(1) for one in columns)]).unbind()), write)

    def _remember(self, denoiser: Denoiser) -> Denoiser:
        module = denoiser.ref()
        found = self._denoiser(module) if module is not None else None
        if found is None or (found.place, found.count) != (denoiser.place, denoiser.count):
            if found is not None:
                self.known.remove(found)
            found = denoiser
            self.known.append(found)
            self.of.clear()
            self.recorder.models.quiet.await_evaluation()
        return found

    # -- sampling

    def expects(self, frame: FrameType, code: CodeType) -> bool:
        """Gradients are switched off here: may a sweep follow that is to be looked at?"""
        if self.waiting is not None:
            self.waiting.barren = min(WAITS, self.waiting.barren + 1)
            self.waiting.skip = 1 << self.waiting.barren
            self.waiting = None
        if not any(map(self._wants, self.known)):
            return False
        place = self.places.setdefault((code, frame.f_lineno if code is frame.f_code else 0), _Place())
        place.skip -= 1
        if place.skip > 0:
            return False
        self.waiting = place
        return True

    def _wants(self, denoiser: Denoiser) -> bool:
        step = self.recorder.step
        if self.looks >= LOOKS or not denoiser.batches:
            return False
        if denoiser.step == step:
            return denoiser.sweeps < AT_ONCE
        return denoiser.step < 0 or step >= denoiser.step + step // SPACING

    def follows(self, module: nn.Module) -> bool:
        """A module is about to be called without gradients, after many such calls: is it to be looked at?"""
        if not self.known:
            return False
        denoiser = self._denoiser(module)
        return denoiser is not None and denoiser.sweep is not None and self._wants(denoiser)

    def asked(self, module: nn.Module, args: Any, kwargs: Any, result: Any) -> None:
        """A call without gradients."""
        denoiser = self._denoiser(module) if self.known else None
        if denoiser is None or not self._wants(denoiser):
            return
        denoiser.calls += 1
        denoiser.asked += 1
        if denoiser.calls > THINNED and denoiser.calls % (1 << int(math.log2(denoiser.calls / THINNED + 1))):
            return
        made = next(tensors_in(result), None)
        given = [one for one in tensors_in((args, kwargs), 4) if plain(one)]
        if made is None or not plain(made):
            return
        x = next((one for one in given if one.shape == made.shape and one.is_floating_point()), None)
        rows = made.shape[0] if made.dim() else 0
        numbers = [one for one in given if one is not x and (one.numel() == 1 or one.numel() == rows == one.shape[0])]
        if len(given) == denoiser.count and any(one is given[denoiser.place] for one in numbers):
            numbers = [given[denoiser.place]]
        if x is None or len(numbers) != 1 or numbers[0].device not in (x.device, torch.device("cpu")):
            return
        self.looks += 1
        step, site = self.recorder.step, self.recorder.site(caller(1))
        sizes = [thin(one, VALUES).float().square().mean() for one in (x, made)]
        others = [one for one in given if one is not x and one is not numbers[0] and one.shape[:1] == made.shape[:1]]
        same = [_same(one).to(x.device) for one in others[:BESIDE] if one.device in (x.device, torch.device("cpu"))]
        doubled = (x.detach()[0] == x.detach()[rows // 2]).all().float()
        time = numbers[0].detach().float()
        ends = [one.to(x.device) for one in (time.min(), time.max())]
        now = [thin(one, PAIRED).float().clone() for one in (x, made)]
        before, denoiser.before = denoiser.before, (step, denoiser.asked, now)
        products: list[torch.Tensor] = []
        if before is not None and before[:2] == (step, denoiser.asked - 1) and before[2][0].shape == now[0].shape:
            among = [*before[2], now[0]]
            products = [(among[one] * among[other]).mean() for one, other in combinations_with_replacement(range(3), 2)]
        paired = len(products)

        def write(values: list[float]) -> None:
            own = _left(values[:paired], now[0].numel()) if paired else None
            self._point(denoiser, step, site, rows, values[paired:], own)

        self.recorder.reader.read([*products, *ends, *sizes, doubled, *same], write)

    def _point(
        self, denoiser: Denoiser, step: int, site: int, rows: int, values: list[float], own: float | None
    ) -> None:
        (least, most, size, made), doubled, alike = values[:4], rows > 1 and values[4], rows > 1 and any(values[5:])
        if least != most or not all(map(math.isfinite, values)):
            self._close(denoiser)
            return
        sweep = denoiser.sweep
        if sweep is not None and sweep.points and sweep.step == step:
            change = least - sweep.points[-1][0]
            if change == 0 or sweep.sign * change >= 0:
                if own is not None and change != 0:
                    sweep.steps.append((sweep.points[-1][0], own))
                sweep.times += change != 0
                sweep.sign = sweep.sign or (change > 0) - (change < 0)
                sweep.guided = sweep.guided or bool(doubled) or sweep.points[-1][:2] == (least, size)
                sweep.points.append((least, size, made))
                sweep.alike += alike
                if sweep.times + 1 >= TIMES:
                    self.waiting = None
                return
        self._close(denoiser)
        self.made += 1
        denoiser.calls = 1
        denoiser.sweep = _Sweep(self.made, step, site, rows)
        denoiser.sweep.points.append((least, size, made))
        denoiser.sweep.alike += alike

    def _close(self, denoiser: Denoiser) -> None:
        sweep, denoiser.sweep = denoiser.sweep, None
        denoiser.calls, denoiser.before = 0, None
        if sweep is not None and sweep.times + 1 >= TIMES:
            self._write(denoiser, sweep)
            if denoiser.step != sweep.step:
                denoiser.step, denoiser.sweeps = sweep.step, 0
            denoiser.sweeps += 1

    def write_counts(self) -> None:
        """What is known of sweeps under way; those of earlier steps are over."""
        for denoiser in self.known:
            sweep = denoiser.sweep
            if sweep is not None and sweep.step != self.recorder.step:
                self._close(denoiser)
            elif sweep is not None and sweep.times + 1 >= TIMES and len(sweep.points) > sweep.written:
                self._write(denoiser, sweep)

    def _write(self, denoiser: Denoiser, sweep: _Sweep) -> None:
        sweep.written = len(sweep.points)
        if sweep.alike == len(sweep.points):
            return  # of examples of one kind, which may be larger or smaller than those of all
        rows = sorted(row for step, batch in denoiser.batches if step * RECENT >= sweep.step for row in batch)
        bins = compare(rows, sweep.points, sweep.rows, sweep.steps)
        if bins is None:
            return
        outside = sum(not rows[0][0] <= time <= rows[-1][0] for time, _, _ in sweep.points)
        row = {"i": sweep.index, "m": denoiser.root, "s": sweep.step, "site": sweep.site, "g": sweep.guided}
        aim = number(math.sqrt(sum(row[4] for row in rows) / len(rows)))
        counts = {"n": len(sweep.points), "r": len(rows), "of": sweep.rows, "o": outside}
        self.recorder.row("sw", **row, **counts, a=aim, up=sweep.sign > 0, b=bins)

    # -- which is which

    def _denoiser(self, module: nn.Module) -> Denoiser | None:
        """The one that a module is, or a copy of which it is: a running average, a wrapped one."""
        known = self.of.get(id(module))
        if known is not None and known[0]() is module:
            return known[1]
        inner = getattr(module, "module", module)
        inner = inner if isinstance(inner, nn.Module) else module
        alike = [one for one in self.known if one.kind in (type(module), type(inner))]
        shapes = [one.shape for one in inner.parameters()] if alike else []
        found = next((one for one in alike if one.shapes == shapes), None)
        self.of[id(module)] = weakref.ref(module), found
        return found


def _same(told: torch.Tensor) -> torch.Tensor:
    """All examples are told the same."""
    few = told.detach().reshape(len(told), -1)[:, :COLUMNS_BESIDE]
    return (few == few[:1]).all().float()


def _left(products: list[float], count: int) -> float | None:
    """Where y = a * x + b * e for a batch x, what was made of it, e, and the next batch y: 1 / a ** 2, if a is known.

    In a sampler that goes back the way by which noise was mixed in step by step, that is the part of the data, as a
    square, that this one step leaves."""
    xx, xe, yx, ee, ye, yy = products
    area = xx * ee - xe * xe
    if not area > 1e-9 * xx * ee:
        return None
    factor, other = (yx * ee - ye * xe) / area, (ye * xx - yx * xe) / area
    rest = max(0.0, yy - factor * yx - other * ye)
    if factor <= 0 or not 2 * math.sqrt(rest * ee / area / count) < UNSURE * factor**3:
        return None
    return 1 / factor**2


def compare(
    trained: list[Example],
    points: list[tuple[float, float, float]],
    rows: int,
    steps: list[tuple[float, float]] | None = None,
) -> list[list[float]] | None:
    """For each of the parts of the training times that a sweep came through: mean time, calls; then for the batch and
    for what was made of it the root mean square in training, that of the sweep, and by how much the logarithm of their
    ratio may be off by chance; then the correlation of a training batch with what is missed there; at last the part of
    the data that is left in training, the mean of the parts that each call leaves, and the product of these. None where
    there are too few examples. These are in order of time.

    Where training examples are at other times than the calls of the sweep, mean squares are interpolated in between."""
    count = min(FINE, len(trained) // PER_FINE)
    if count < COARSE:
        return None
    edges = [len(trained) * place // count for place in range(count + 1)]
    fine = [trained[start:end] for start, end in pairwise(edges)]
    means = [[sum(column) / len(part) for column in zip(*part, strict=True)] for part in fine]
    places = [mean[0] for mean in means]
    times = [row[0] for row in trained]
    bins: dict[int, list[tuple[float, ...]]] = {}
    for time, *sizes in points:
        if not times[0] <= time <= times[-1]:
            continue
        upper = min(max(1, bisect_left(places, time)), count - 1)
        low, high = means[upper - 1], means[upper]
        share = min(1.0, max(0.0, (time - low[0]) / (high[0] - low[0]))) if high[0] > low[0] else 0.5
        expected = [max(1e-12, (1 - share) * low[one] + share * high[one]) for one in (1, 2)]
        place = _place(times, time)
        bins.setdefault(place, []).append((time, *expected, *(max(1e-12, size) for size in sizes)))
    found = []
    for place, calls in sorted(bins.items()):
        part = trained[len(trained) * place // COARSE : len(trained) * (place + 1) // COARSE]
        line = [sum(call[0] for call in calls) / len(calls), float(len(calls))]
        for one in (1, 2):
            mean = sum(call[one] for call in calls) / len(calls)
            ratio = sum(math.log(call[one + 2] / call[one]) for call in calls) / len(calls)
            centre = sum(row[one] for row in part) / len(part)
            spread = sum((row[one] - centre) ** 2 for row in part) / max(1e-12, centre) ** 2 / len(part)
            chance = 0.5 * math.sqrt(spread * (1 / len(part) + 1 / max(1, rows)))
            line += [math.sqrt(mean), math.sqrt(mean * math.exp(ratio)), chance]
        sizes = [math.sqrt(max(1e-12, sum(row[one] for row in part) / len(part))) for one in (1, 4)]
        line.append(sum(row[3] for row in part) / len(part) / math.prod(sizes))
        noise = sum(row[5] for row in part) / max(1e-12, sum(row[4] for row in part))
        own = [left for time, left in steps or () if time <= times[-1] and _place(times, time) == place]
        mean = sum(own) / len(own) if own else math.nan
        found.append([number(value) for value in (*line, 1 - noise**2, mean, math.prod(own))])
    return found


def _place(times: list[float], time: float) -> int:
    return min(COARSE - 1, bisect_left(times, time) * COARSE // len(times))
