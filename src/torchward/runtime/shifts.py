"""Batch norm whose running statistics are of something else than what it is given in eval mode.

Behind a dropout: in eval mode nothing is dropped, and its input varies less (Li et al. 2019, "Understanding the
Disharmony between Dropout and Batch Normalization by Variance Shift"). Called several times in a pass, on streams that
differ: its running statistics are a mixture of theirs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from torchward.runtime.copies import duplicate

if TYPE_CHECKING:
    from torchward.runtime.captures import Capture

LAYERS = 8
CALLS = 64
FEWEST = 8
"""Values of a channel in each call, from which its mean and variance say something."""


def behind_dropout(model: nn.Module, call: Callable[[], Any]) -> list[tuple[str, str, float, float]]:
    """(path of the batch norm, of the dropout, its rate, variance of the input over the running one) in a call in eval
    mode; the variance is the median over the channels."""
    dropped: dict[int, nn.Module] = {}
    found: list[tuple[str, str, float, float]] = []
    paths = {id(member): path for path, member in model.named_modules()}

    def leaves(module: nn.Module, _args: Any, output: Any) -> None:
        if isinstance(output, torch.Tensor):
            dropped[output.untyped_storage().data_ptr()] = module

    def enters(module: Any, args: Any) -> None:
        given = args[0] if args and isinstance(args[0], torch.Tensor) else None
        dropout: Any = dropped.get(given.untyped_storage().data_ptr()) if given is not None else None
        if given is None or dropout is None or module.running_var is None or given.dim() < 2 or len(found) >= LAYERS:
            return
        axes = [axis for axis in range(given.dim()) if axis != 1]
        share = given.float().var(axes) / module.running_var.clamp(min=1e-12)
        found.append((paths[id(module)], paths[id(dropout)], float(dropout.p), float(share.median())))

    handles: list[Any] = []
    for member in model.modules():
        if isinstance(member, nn.modules.dropout._DropoutNd):
            handles.append(member.register_forward_hook(leaves))
        elif isinstance(member, nn.modules.batchnorm._BatchNorm):
            handles.append(member.register_forward_pre_hook(enters))
    try:
        call()
    finally:
        for handle in handles:
            handle.remove()
    return found


class _Streams:
    """What the batch norms of a model are given, call by call."""

    def __init__(self, model: nn.Module) -> None:
        self.norms = {
            id(member): (path, member)
            for path, member in model.named_modules()
            if isinstance(member, nn.modules.batchnorm._BatchNorm) and member.running_var is not None
        }
        self.given: dict[int, list[tuple[torch.Tensor, torch.Tensor]]] = {key: [] for key in self.norms}
        """Mean and variance of each channel."""
        self.small: set[int] = set()
        """Those that were given too few values of a channel."""

    def enters(self, module: nn.Module, args: Any) -> None:
        given = args[0] if args and isinstance(args[0], torch.Tensor) else None
        if given is not None and given.dim() > 1 and len(self.given[id(module)]) < CALLS:
            axes = [axis for axis in range(given.dim()) if axis != 1]
            if given.numel() < FEWEST * given.shape[1]:
                self.small.add(id(module))
            values = given.detach().float()
            self.given[id(module)].append((values.mean(axes), values.var(axes)))

    def several(self) -> list[tuple[str, int, float, float]]:
        found = []
        for key, (path, _) in self.norms.items():
            if len(self.given[key]) < 2 or key in self.small:
                continue
            first, *others = self.given[key]
            apart = [_apart(first, other) for other in others]
            found.append((path, len(others) + 1, max(one for one, _ in apart), max(one for _, one in apart)))
        return found[:LAYERS]

    def watching(self, call: Callable[[], float]) -> float:
        handles = [member.register_forward_pre_hook(self.enters) for _, member in self.norms.values()]
        try:
            return call()
        finally:
            for handle in handles:
                handle.remove()


def evaluation(model: nn.Module, capture: Capture) -> tuple[float, dict[str, Any]]:
    """Its loss in eval mode; and of batch norms that are called several times in this pass: (path, calls, distance of
    the means of two calls in deviations, ratio of their deviations), medians over the channels of the calls that are
    furthest apart, and the loss if these alone take the statistics of what they are given, as all do in training."""
    streams = _Streams(model)
    loss = streams.watching(lambda: float(capture.loss_of(model)))
    found = streams.several()
    if not found:
        return loss, {}
    other = duplicate(model)
    for path, *_ in found:
        other.get_submodule(path).training = True
    capture.own_looks.append((float(capture.loss_of(other)), loss))
    return loss, {"mixed": [list(one) for one in found], "own": [list(one) for one in capture.own_looks]}


def _apart(one: tuple[torch.Tensor, torch.Tensor], other: tuple[torch.Tensor, torch.Tensor]) -> tuple[float, float]:
    variances = (one[1] + other[1]).clamp(min=1e-12) / 2
    ratio = (one[1].clamp(min=1e-12) / other[1].clamp(min=1e-12)).log().abs() / 2
    return float(((one[0] - other[0]).abs() / variances.sqrt()).median()), float(ratio.median().exp())
