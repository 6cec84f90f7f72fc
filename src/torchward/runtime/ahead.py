"""Which module is the first to let what comes early in a sequence depend on what comes late?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from torchward.runtime.tensors import tensors_in

CHANGE = 1e-3
"""A change by this share of the outputs' deviation is looked into: far above float32's rounding."""


def first_looking_ahead(
    model: nn.Module,
    call: Callable[[Any, Any], list[torch.Tensor]],
    given: tuple[Any, Any],
    changed: tuple[Any, Any],
    sizes: tuple[int, int, int],
) -> tuple[str, str, int]:
    """(path, class, embeddings called with changed ids): the first module to return whose early output changed though
    its early input did not."""
    count, length, start = sizes
    names = {id(module): (name, type(module).__name__) for name, module in model.named_modules()}
    records: list[list[tuple[int, list[torch.Tensor], list[torch.Tensor]]]] = [[], []]

    def kept(first: torch.Tensor, second: torch.Tensor) -> bool:
        """The same at early positions, along whichever axis may be theirs; without one, the same altogether."""
        axes = [axis for axis, size in enumerate(first.shape) if size == length and (axis or size != count)]
        if not axes or first.shape != second.shape:
            return _same(first, second)
        return any(_same(first.narrow(axis, 0, start), second.narrow(axis, 0, start)) for axis in axes)

    for record, (args, kwargs) in zip(records, (given, changed), strict=True):

        def keep(module: nn.Module, args: Any, kwargs: Any, output: Any, record: Any = record) -> None:
            if len(record) < 1_000 and module is not model:
                inputs = [t.detach().clone() for t in tensors_in((args, kwargs), 4)]
                record.append((id(module), inputs, [t.detach().clone() for t in tensors_in(output)][:1]))

        handles = [module.register_forward_hook(keep, with_kwargs=True) for module in model.modules()]
        try:
            call(args, kwargs)
        finally:
            for handle in handles:
                handle.remove()
    found, embeddings = ("", ""), set()
    for (key, first_in, first_out), (other, second_in, second_out) in zip(*records, strict=False):
        if key != other or len(first_in) != len(second_in) or not first_out or not second_out:
            continue
        if names[key][1].startswith("Embedding") and not all(map(_same, first_in, second_in)):
            embeddings.add(tuple(names[key]))
        before, after = first_out[0], second_out[0]
        if found[1] or not before.is_floating_point() or length not in before.shape[1:]:
            continue
        if all(map(kept, first_in, second_in)) and not kept(before, after):
            found = names[key]
    return *found, len(embeddings)


def _same(first: torch.Tensor, second: torch.Tensor) -> bool:
    if first.shape != second.shape:
        return False
    if not first.is_floating_point():
        return torch.equal(first, second)
    scale = float(first.float().std()) if first.numel() > 1 else 1.0
    return float((first.float() - second.float()).nan_to_num(0, 0, 0).abs().amax()) <= CHANGE * (scale or 1.0)
