"""Watches cross-validation: does a model go from one fold into the next with the weights that it has?

A fold is known by the generator that scikit-learn's `split` gave out, as long as it is not exhausted. Weights are known
by how often they were written to, which torch counts, by where they lie, and by a few values of the largest.
"""

from __future__ import annotations

import weakref
from types import GeneratorType
from typing import TYPE_CHECKING, Any

import torch

from torchward.runtime.tensors import length, plain, tensors_in, tolist

if TYPE_CHECKING:
    from torch import nn

    from torchward.runtime.models import Root
    from torchward.runtime.recorder import Recorder

SPLITS = 8
"""The newest ones that are followed."""
PARAMETERS = 64
VALUES = 256
ALIKE = 0.5
"""Correlation of values of the largest parameter over a few steps, above which these are no new ones: a step changes
little, and new values have nothing to do with the old ones, up to 0.2 for so many."""
FAR = 10.0
"""Times as far as the steps between go, from which on weights were put back: first steps are longer."""
PARTS = 512
"""Calls of one evaluation whose sizes are remembered."""
ENOUGH = 0.9
"""Share of the training rows of a fold of which as many were trained on in it, about."""


class _Split:
    def __init__(self, generator: Any, index: int, kind: str, site: int) -> None:
        self.ref, self.index, self.kind, self.site = weakref.ref(generator), index, kind, site
        self.fold, self.rows, self.held_out = -1, 0, 0
        self.test: Any = lambda: None
        self.models: dict[int, _State] = {}

    def look(self) -> bool:
        """There is a fold under way."""
        generator = self.ref()
        frame = generator.gi_frame if generator is not None else None
        if frame is None:
            return False
        known = frame.f_locals
        train, test = (known.get(f"{name}_index", known.get(name)) for name in ("train", "test"))
        if getattr(train, "ndim", 0) != 1 or getattr(test, "ndim", 0) != 1:
            return False
        if self.test() is not test:
            self.fold += 1
            self.test = weakref.ref(test)
            self.rows, self.held_out = len(train), len(test)
        return True


class _State:
    """One model at its last evaluation, in a fold."""

    def __init__(self, root: Root, module: nn.Module, fold: int, step: int) -> None:
        self.root, self.module = root, weakref.ref(module)
        self.begin(fold, step)
        self.carried: bool | None = None

    def begin(self, fold: int, step: int) -> None:
        self.fold, self.began, self.step = fold, step, -1
        self.sums: set[int] = set()
        self.total = 0
        self.met = self.trained = False
        """It was asked for as many rows as are held out; it was trained on about as many as there are to train on."""
        self.weights: list[tuple[weakref.ref[torch.Tensor], int, int]] = []
        self.values: torch.Tensor | None = None
        self.later: torch.Tensor | None = None
        self.second: tuple[int, list[int]] | None = None
        """The first step in the next fold that was looked at, and how often the weights had been written by then ..."""
        self.same = False
        """... at the same places, without being drawn anew."""
        self.sent: Any = None


class Folds:
    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.splits: list[_Split] = []
        self.batch: dict[int, int] = {}
        """Model -> rows of a training batch."""
        self.waiting = False
        """The next steps are to be looked at."""
        self.asked, self.stepped = (recorder.guarded("folds", one) for one in (self._asked, self._stepped))

    def divided(self, generator: Any, kind: str, site: int) -> None:
        """The user's program goes through the folds of a split."""
        if isinstance(generator, GeneratorType):
            alive = [split for split in self.splits if split.ref() is not None]
            made = _Split(generator, self.recorder.next_index("split"), kind, site)
            self.splits = [*alive[-SPLITS + 1 :], made]

    def trained_on(self, root: Root, args: Any, kwargs: Any) -> None:
        """A sampled training call."""
        given = next(iter(tensors_in((args, kwargs), 4)), None)
        if given is not None and given.dim():
            self.batch[root.index] = max(self.batch.get(root.index, 0), given.shape[0])

    def _asked(self, root: Root, module: nn.Module, args: Any, kwargs: Any, site: int) -> None:
        """A call without gradients."""
        given = next(iter(tensors_in((args, kwargs), 4)), None)
        if given is None or not given.dim():
            return
        step = self.recorder.step
        for split in self.splits:
            if not split.look():
                continue
            state = split.models.get(root.index)
            if state is None:
                state = split.models[root.index] = _State(root, module, split.fold, step if split.fold else 0)
            if state.fold != split.fold:
                continue  # it has not been trained in this fold yet
            if state.step != step:
                state.step, state.sums, state.total = step, {0}, 0
                state.weights, state.values = _weights(module)
                state.second = None
            state.total += given.shape[0]
            state.met = state.met or state.total - split.held_out in state.sums or self._loads(split.held_out)
            if len(state.sums) < PARTS:
                state.sums.add(state.total)
            rows = (step - state.began) * self.batch.get(root.index, 0)
            state.trained = state.trained or rows >= ENOUGH * split.rows
            self._write(split, state, site)
            if not self.waiting:
                self.waiting = True
                self.recorder.optimizers.not_alone()  # a step is told of soon

    def _loads(self, rows: int) -> bool:
        """These rows are being handed over by a loader of so many."""
        last = self.recorder.loaders.last
        loader = last.ref() if last is not None and last.backwards == self.recorder.backwards else None
        return loader is not None and length(loader.sampler) == rows

    def _write(self, split: _Split, state: _State, site: int) -> None:
        now = state.met, state.trained, state.carried
        if now != state.sent:
            state.sent = now
            self.recorder.row(
                "fold",
                i=split.index,
                m=state.root.index,
                f=state.fold,
                name=split.kind,
                sp=split.site,
                site=site,
                n=split.rows,
                h=split.held_out,
                met=state.met,
                tr=state.trained,
                c=state.carried,
                s=self.recorder.step,
            )

    def _stepped(self, optimizer: Any) -> None:
        """After a step while folds may be under way."""
        alive = [split for split in self.splits if split.look()]
        self.waiting = any(split.models for split in alive)
        for split in alive:
            for state in split.models.values():
                if state.fold != split.fold and state.weights:
                    self._first_steps(split, state, optimizer)

    def _first_steps(self, split: _Split, state: _State, optimizer: Any) -> None:
        """Between two steps that are looked at it shows how often a step writes: so often did each of those since the
        evaluation, and nobody else."""
        held = {id(tensor) for group in optimizer.param_groups for tensor in group["params"]}
        alive = [(tensor, count, place) for ref, count, place in state.weights if (tensor := ref()) is not None]
        own = [one for one in alive if id(one[0]) in held]
        step, module = self.recorder.step + 1, state.module()
        if not own or module is None:
            return
        counts = [tensor._version for tensor, _, _ in own]
        if state.second is None or len(state.second[1]) != len(own):
            state.second = step, counts
            state.later = _weights(module)[1]
            state.same = all(tensor.data_ptr() == place for tensor, _, place in own) and _alike(
                state.values, state.later
            )
            return
        middle, written = state.second
        before, after, carried = middle - state.step, step - middle, state.same
        carried = carried and _near(state.values, state.later, _weights(module)[1], before / max(1, after))
        for (_, count, _), between, now in zip(own, written, counts, strict=True):
            carried = carried and (between - count) * after == (now - between) * before
        state.begin(split.fold, state.step)
        state.carried = carried


def _weights(module: nn.Module) -> tuple[list[tuple[weakref.ref[torch.Tensor], int, int]], torch.Tensor | None]:
    """Of what is trained in it: (tensor, times written, place in memory), and a few values of the largest."""
    trained = [tensor for tensor in module.parameters() if tensor.requires_grad and plain(tensor)][:PARAMETERS]
    if not trained:
        return [], None
    largest = max(trained, key=lambda tensor: tensor.numel()).detach().reshape(-1)
    values = largest[:: max(1, len(largest) // VALUES)][:VALUES].clone()
    return [(weakref.ref(tensor), tensor._version, tensor.data_ptr()) for tensor in trained], values


def _near(one: torch.Tensor | None, two: torch.Tensor | None, three: torch.Tensor | None, steps: float) -> bool:
    """From the first to the second these values moved as steps move them, like from there to the third in `steps` times
    fewer: values that were put back are farther away."""
    if one is None or two is None or three is None or not one.shape == two.shape == three.shape:
        return False
    moved, step = (float((a.double() - b.double()).norm()) for a, b in ((two, one), (three, two)))
    return moved <= FAR * max(1.0, steps) * step


def _alike(one: torch.Tensor | None, other: torch.Tensor | None) -> bool:
    if one is None or other is None or one.shape != other.shape or len(one) < 4:
        return False
    a, b = (torch.tensor(tolist(values), dtype=torch.float64) for values in (one, other))
    a, b = a - a.mean(), b - b.mean()
    return float(a @ b) >= ALIKE * float(a.norm() * b.norm()) > 0
