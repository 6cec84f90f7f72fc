"""Watches whether a loss compares what a model makes of its input with that very input, and whether that was damaged
where it lies."""

from __future__ import annotations

import weakref
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import torch

from torchward.runtime import graph
from torchward.runtime.horizons import Horizons
from torchward.runtime.tensors import plain, tensors_in, thin, tolist

if TYPE_CHECKING:
    from torchward.runtime.recorder import Recorder

KEPT, EXAMPLES, VALUES = 4, 4, 1_024
"""Tensors of a batch that are remembered as the loader handed them over: so many examples, and values of each."""
DISORDER = 0.05
"""Share of neighbours, in the order of what the values were, that have changed places: of values that were scaled or
put through a curve none has, or all."""
UNTRAINED = 3
"""Steps."""
ROWS, FOLLOWS = 64, 0.5
"""Examples that are compared; correlation of `x + f(x)` with x: 0.7 for an untrained f(x) as large as x, else more."""
BY_HAND = -1
"""In the place of a loss function's number."""
LOOKED = 64
"""Calls of a loss function at one place that are looked at."""


class Givens:
    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.horizons = Horizons(recorder)
        self.last: tuple[set[int], int, torch.Tensor] | None = None
        """Of the last call of a model that is looked at: memory of what it returned; how many values it was given, and
        a part of them."""
        self.handed: list[tuple[weakref.ref[torch.Tensor], int, torch.Tensor]] = []
        """Of the batch that a loader handed over in this sampled step: tensors, their versions and some values."""
        self.counts: dict[int, list[int]] = {}
        """Place of a loss function -> calls whose target was the input of the model, another of its size, and of
        the first kind those whose prediction is that input with something added to it, those whose target was damaged
        where it lies, and those whose batch held another tensor of its shape, which nothing was done with."""
        self.adds: dict[int, bool] = {}
        """Place of a loss function -> an untrained model's output followed its input there: they were added up."""
        self.sent: dict[int, list[int]] = {}
        self.beside: tuple[int, int] | None = None
        """Place of a loss function whose target was the input, and where the other tensor of the batch lies."""
        self.used: set[int] = set()
        """Where the tensors lie that models and losses were given since the batch was handed over."""

    def got(self, batch: Any) -> None:
        """A loader handed over a batch."""
        self.settle()
        found = [one for one in tensors_in(batch) if plain(one) and one.is_cpu and one.is_floating_point()]
        # Tensors of the inference mode have no version.
        found = [one for one in found[:KEPT] if one.dim() > 1 and not one.is_inference()]
        self.handed = [(weakref.ref(one), one._version, _few(one).clone()) for one in found]

    def called(self, args: Any, kwargs: Any, returned: list[torch.Tensor]) -> None:
        self.last = None
        self.used.update(one.data_ptr() for one in tensors_in((args, kwargs), 4) if plain(one))
        given = next(tensors_in((args, kwargs)), None)
        if given is not None and plain(given) and given.is_cpu and given.is_floating_point() and given.dim() > 1:
            made = {tensor.untyped_storage().data_ptr() for tensor in returned if plain(tensor)}
            self.last = made, given.numel(), thin(given).clone()

    def compared(self, place: int, prediction: torch.Tensor, target: torch.Tensor) -> None:
        self.used.add(target.data_ptr())
        last, counts = self.last, self.counts.setdefault(place, [0, 0, 0, 0, 0])
        if last is None or counts[0] + counts[1] >= LOOKED or not target.is_cpu or target.numel() != last[1]:
            return
        if prediction.untyped_storage().data_ptr() in last[0]:
            same = torch.equal(thin(target).to(last[2].dtype), last[2])
            counts[0 if same else 1] += 1
            if place not in self.adds:
                self.adds[place] = self.recorder.step < UNTRAINED and _follows(prediction, target)
            counts[2] += same and self.adds[place] and _adds_fixed(prediction)
            counts[3] += same and self._damaged(target)
            other = self._other(target) if same else None
            self.beside = (place, other) if other is not None else self.beside

    def subtracted(self, one: torch.Tensor, other: torch.Tensor) -> None:
        """Without gradients one was taken from the other: an error that the program computes by itself."""
        if self.last is None or one.shape != other.shape or one.numel() != self.last[1] or not plain(one):
            return
        for prediction, target in ((one, other), (other, one)):
            if plain(target) and prediction.untyped_storage().data_ptr() in self.last[0]:
                self.compared(BY_HAND, prediction, target)
                return

    def settle(self) -> None:
        """The step is over: was the other tensor of its batch used for anything?"""
        if self.beside is not None and self.beside[1] not in self.used:
            self.counts[self.beside[0]][4] += 1
        self.beside = None
        self.used.clear()

    def _other(self, target: torch.Tensor) -> int | None:
        """Where another tensor of the shape of this one lies that came in the same batch."""
        handed = [one for ref, _, _ in self.handed if (one := ref()) is not None and one.shape == target.shape]
        if not any(one.data_ptr() == target.data_ptr() for one in handed):
            return None
        others = (
            one for one in handed if one.data_ptr() != target.data_ptr() and not torch.equal(_few(one), _few(target))
        )
        return next((one.data_ptr() for one in others), None)

    def _damaged(self, target: torch.Tensor) -> bool:
        """The values that the loader handed over are others by now, and not by a scale or a curve alone."""
        place = target.data_ptr()
        for tensor, version, before in self.handed:
            one = tensor()
            if one is None or one.data_ptr() != place or one._version == version:
                continue
            after = _few(one)
            if after.shape == before.shape and not torch.equal(after, before):
                return all(_disordered(*rows) for rows in zip(tolist(before), tolist(after), strict=True))
        return False

    def write_counts(self) -> None:
        self.settle()
        for place, counts in self.counts.items():
            if counts != self.sent.get(place):
                self.sent[place] = list(counts)
                self.recorder.row("cg", i=place, n=list(counts))


def _few(tensor: torch.Tensor) -> torch.Tensor:
    """Some values of some examples, (example, value)."""
    rows = tensor.detach()[:EXAMPLES].flatten(1)
    return rows[:, :: -(-rows.shape[1] // VALUES)]


def _disordered(before: list[float], after: list[float]) -> bool:
    """In the order of what they were, some of the values fall and some rise."""
    ordered = [now for _, now in sorted(zip(before, after, strict=True), key=lambda pair: pair[0])]
    falls = sum(second < first for first, second in pairwise(ordered))
    return DISORDER < falls / max(1, len(ordered) - 1) < 1 - DISORDER


def _follows(prediction: torch.Tensor, target: torch.Tensor) -> bool:
    """Over the examples of a batch, an output moves with the value in its place."""
    one, other = (values.detach().reshape(len(target), -1)[:ROWS, :VALUES].float() for values in (prediction, target))
    one, other = one - one.mean(0), other - other.mean(0)
    scale = float((one.square().sum() * other.square().sum()).sqrt())
    return scale > 0 and float((one * other).sum()) > FOLLOWS * scale


def _adds_fixed(prediction: torch.Tensor) -> bool:
    """`x + f(x)`, or a fixed tensor in the place of x: one operand of the sum has no graph, the other its shape."""
    node = prediction.grad_fn
    if node is None or node.name() != "AddBackward0":
        return False
    children = [child for child, _ in node.next_functions]
    made = next((child for child in children if child is not None), None)
    return children.count(None) == 1 and made is not None and graph.output_shape(made) == tuple(prediction.shape)
