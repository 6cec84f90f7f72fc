"""Finds layers that are frozen at the values that torch draws for a new one, and parts that only seem to be frozen."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from torchward.runtime.names import unwrapped
from torchward.runtime.tensors import plain, thin

if TYPE_CHECKING:
    from torchward.runtime.models import Root
    from torchward.runtime.recorder import Recorder

INITIALISED = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)
"""Layers whose `reset_parameters` draws the weight evenly from -1 to 1, divided by the root of the inputs of a unit."""
LIMIT = 256
LEAST_DRAWN = 256
"""Weights from which on such a draw is told from trained ones ..."""
DRAWN_APART = 0.06
"""... by their mean square, which is 1/3 with a deviation of 0.3 / sqrt(number): three deviations of the fewest."""


def look(recorder: Recorder, root: Root, module: nn.Module) -> None:
    """A model that is trained in part was called for the first time."""
    layers: list[tuple[str, int, int]] = []
    checks: list[torch.Tensor] = []
    for path, member in module.named_modules():
        weight: Any = member.weight if type(member) in INITIALISED else None
        if not plain(weight) or weight.requires_grad or not weight.is_floating_point():
            continue
        if weight.numel() < LEAST_DRAWN or len(layers) >= LIMIT:
            continue
        if checks and checks[0].device != weight.device:
            continue
        # Uniform up to the bound: nothing beyond, something close to it, and the variance of such a draw.
        values = thin(weight).float() * math.sqrt(weight[0].numel())
        largest, square = values.abs().max(), values.square().mean()
        layers.append((unwrapped(path), weight.shape[0], weight[0].numel()))
        checks.append(((largest <= 1.001) & (largest > 0.9) & ((square - 1 / 3).abs() < DRAWN_APART)).float())
    _adapters(recorder, root, module)
    recorder.optimizers.idle.look(root, module)
    loaded = [held.loaded for held, tensor in recorder.parameters.live() if held.model == root.index]

    def write(values: list[float]) -> None:
        drawn = [layer for layer, one in zip(layers, values, strict=True) if one]
        if drawn:
            recorder.row("fz", m=root.index, n=drawn[-64:], ld=any(loaded))

    recorder.reader.read(checks, write)


def _adapters(recorder: Recorder, root: Root, module: nn.Module) -> None:
    """Low-rank adapters none of whose matrices is trained: how many of these, one of each pair begins so, are 0?"""
    held = [
        (unwrapped(f"{path}.{key}"), one)
        for path, member in module.named_modules()
        for key, one in member._parameters.items()
        if one is not None and one.dim() == 2 and "lora" in f"{path}.{key} {type(member).__name__}".lower()
    ]
    device = held[0][1].device if len(held) > 1 else None
    if device is None or any(one.requires_grad or not plain(one) or one.device != device for _, one in held):
        return
    row = {"m": root.index, "ad": len(held), "names": [name for name, _ in held[:8]]}

    def write(zero: list[float]) -> None:
        recorder.row("fa", **row, z=sum(map(int, zero)))

    recorder.reader.read([(~thin(one).any()).float() for _, one in held], write)


def switched_off(module: nn.Module) -> list[str]:
    """Parts whose own attribute `requires_grad`, which torch never reads, is False, and whose parameters require it."""
    return [
        unwrapped(path)
        for path, part in module.named_modules()
        if vars(part).get("requires_grad") is False and any(one.requires_grad for one in part.parameters())
    ]
