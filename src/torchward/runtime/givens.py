"""Watches whether a loss compares what a model makes of its input with that very input."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from torchward.runtime import graph
from torchward.runtime.tensors import plain, tensors_in, thin

if TYPE_CHECKING:
    from torchward.runtime.recorder import Recorder

LOOKED = 64
"""Calls of a loss function at one place that are looked at."""


class Givens:
    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.last: tuple[set[int], int, torch.Tensor] | None = None
        """Of the last call of a model that is looked at: memory of what it returned; how many values it was given, and
        a part of them."""
        self.counts: dict[int, list[int]] = {}
        """Place of a loss function -> calls whose target was the input of the model, another of its size, and of
        the first kind those whose prediction is that input with something added to it."""
        self.sent: dict[int, list[int]] = {}

    def called(self, args: Any, kwargs: Any, returned: list[torch.Tensor]) -> None:
        self.last = None
        given = next(tensors_in((args, kwargs)), None)
        if given is not None and plain(given) and given.is_cpu and given.is_floating_point() and given.dim() > 1:
            made = {tensor.untyped_storage().data_ptr() for tensor in returned if plain(tensor)}
            self.last = made, given.numel(), thin(given).clone()

    def compared(self, place: int, prediction: torch.Tensor, target: torch.Tensor) -> None:
        last, counts = self.last, self.counts.setdefault(place, [0, 0, 0])
        if last is None or counts[0] + counts[1] >= LOOKED or not target.is_cpu or target.numel() != last[1]:
            return
        if prediction.untyped_storage().data_ptr() in last[0]:
            same = torch.equal(thin(target).to(last[2].dtype), last[2])
            counts[0 if same else 1] += 1
            counts[2] += same and _adds_input(prediction)

    def write_counts(self) -> None:
        for place, counts in self.counts.items():
            if counts != self.sent.get(place, [0, 0, 0]):
                self.sent[place] = list(counts)
                self.recorder.row("cg", i=place, n=list(counts))


def _adds_input(prediction: torch.Tensor) -> bool:
    """`x + f(x)`: an operand of the sum has no graph and the shape of the result."""
    node = prediction.grad_fn
    if node is None or node.name() != "AddBackward0":
        return False
    children = [child for child, _ in node.next_functions]
    made = next((child for child in children if child is not None), None)
    return children.count(None) == 1 and made is not None and graph.output_shape(made) == tuple(prediction.shape)
