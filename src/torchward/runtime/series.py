"""An experiment on models of series of numbers: is a model that is to say what comes next given it?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from torchward.runtime import sequences
from torchward.runtime.ahead import first_looking_ahead
from torchward.runtime.tensors import plain, tensors_in

if TYPE_CHECKING:
    from torchward.runtime.captures import Capture

SHORTEST = 8
CALLS = 5
"""Of the model, in one experiment at most."""
LOOKED_INTO = 0.01
"""Change of an output, in deviations, from which on it is looked for where it comes from."""


def future(model: nn.Module, capture: Capture) -> dict[str, Any] | None:
    """Changes the second half of the series: which outputs change? None where the target is no later input."""
    given, target = next(tensors_in((capture.args, capture.kwargs), 4), None), capture.target
    if given is None or target is None or not plain(given) or given.shape[0] != capture.examples:
        return None
    found = _time(given, target)
    if found is None or capture.examples < 2:
        return None
    axis, ahead = found
    model.eval()
    length, time = given.shape[axis], 1 if target.dim() == 2 else axis
    start = length // 2
    own = start - ahead + 1  # from here on, the target comes after the first value that is changed
    other = given.clone()
    later = other.narrow(axis, start, length - start)
    later.copy_(later.roll(1, 0))  # of another example
    first, again, second = (
        capture.judged(model, *sequences.replaced((capture.args, capture.kwargs), 0, one))
        for one in (given, given, other)
    )
    if first.dim() < 2 or first.dim() <= time or first.shape[time] != target.shape[time]:
        return None
    scale = float(first.std()) or 1.0
    change = (second - first).abs().transpose(1, time).flatten(2) if first.dim() > 2 else (second - first).abs()
    fields: dict[str, Any] = {
        "length": length,
        "ahead": ahead,
        "change": float(change[:, :own].max()) / scale,
        "own_change": float(change[:, start:].max()) / scale,
        "noise": float((again - first).abs().max()) / scale,
        "future_module": "",
        "future_kind": "",
    }
    if fields["change"] > LOOKED_INTO:
        given_now = capture.args, capture.kwargs
        changed, sizes = sequences.replaced(given_now, 0, other), (capture.examples, length, start)
        fields["future_module"], fields["future_kind"], _ = first_looking_ahead(
            model, lambda args, kwargs: capture.call(model, args, kwargs), given_now, changed, sizes
        )
    return fields


def _time(given: torch.Tensor, target: torch.Tensor) -> tuple[int, int] | None:
    """(axis of the input along which the target is one of its features, so many steps on); values are to be equal."""
    if not (given.is_floating_point() and target.is_floating_point()) or given.device != target.device:
        return None
    if not 2 <= given.dim() <= 3 or not 2 <= target.dim() <= 3 or given.shape[0] != target.shape[0]:
        return None
    for axis in range(1, given.dim()):
        own = 1 if target.dim() == 2 else axis
        length = given.shape[axis]
        if length < SHORTEST or own >= target.dim() or target.shape[own] != length:
            continue
        rows = given.movedim(axis, 1).reshape(len(given), length, -1)
        later = target.movedim(own, 1).reshape(len(target), length, -1)[:, :, :1]
        if not bool((later[:, 2:] != later[:, 1:-1]).any()) or _equal(rows, later, 0):
            continue
        ahead = next((steps for steps in range(1, length // 4 + 1) if _equal(rows, later, steps)), None)
        if ahead is not None:
            return axis, ahead
    return None


def _equal(rows: torch.Tensor, later: torch.Tensor, ahead: int) -> bool:
    """One of the features is, so many steps on, what is to be said."""
    length = rows.shape[1] - ahead
    return bool((rows[:, ahead:] == later[:, :length]).all(1).all(0).any())
