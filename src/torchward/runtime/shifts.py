"""Batch norm that is given what a dropout has just left: in eval mode nothing is dropped, and its input varies less
than what its statistics were taken of (Li et al. 2019, "Understanding the Disharmony between Dropout and Batch
Normalization by Variance Shift").
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

LAYERS = 8


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
