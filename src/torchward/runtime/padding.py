"""What fills sequences up to a common length, and what reads it: a recurrent layer's last state, attention's masks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from torchward.runtime.tensors import tolist


def padding_of(ids: torch.Tensor) -> int | None:
    """The id that fills rows up to a common length, if it is never found elsewhere; None when in doubt."""
    if ids.shape[0] < 4:
        return None
    candidate, times = Counter(tolist(ids[:, -1])).most_common(1)[0]
    tail = tail_of(ids, candidate)
    lengths = tolist(tail.sum(1))
    if (
        times < max(3, ids.shape[0] // 4)
        or bool(((ids == candidate) & ~tail).any())
        or sum(length >= 2 for length in lengths) < 3
        or len(set(lengths)) < 3
        or max(lengths) == ids.shape[1]
        or len(set(tolist(ids.reshape(-1)))) < 4
    ):
        return None
    return int(candidate)


def tail_of(ids: torch.Tensor, padding: int) -> torch.Tensor:
    """Where a row holds nothing but `padding` up to its end."""
    return (ids == padding).long().flip(1).cumprod(1).flip(1).bool()


def empty_tail(given: torch.Tensor) -> torch.Tensor | None:
    """Of sequences of numbers, (example, position, feature): how many positions at each end hold nothing but 0, if that
    fills them up to a common length and is never found elsewhere."""
    empty = (given == 0).all(-1)
    tail = empty.long().flip(1).cumprod(1).flip(1).bool()
    lengths = tail.sum(1)
    different = set(tolist(lengths))
    if bool((empty & ~tail).any()) or len(different) < 3 or max(different) == given.shape[1]:
        return None
    return lengths if int((lengths >= 2).sum()) >= 3 else None


def read_after_padding(
    model: nn.Module, call: Callable[[], list[torch.Tensor]], output: int, given: torch.Tensor
) -> dict[str, Any] | None:
    """Fields of the probe of ids for sequences of numbers; None without padding."""
    lengths = empty_tail(given)
    if lengths is None:
        return None
    recurrent = read_at_end(model, call, output, given.shape[1])
    tail = float(lengths.float().median())
    return {"examples": given.shape[0], "length": given.shape[1], "padding": 0, "tail": tail, "recurrent": recurrent}


def read_at_end(model: nn.Module, call: Callable[[], list[torch.Tensor]], output: int, length: int) -> str:
    """Path of the last recurrent layer, if the output depends on its state at the last position alone."""
    seen: list[tuple[str, bool, torch.Tensor]] = []
    names = {id(module): name for name, module in model.named_modules()}

    def keep(module: Any, _args: Any, made: Any) -> None:
        if isinstance(made, tuple) and isinstance(made[0], torch.Tensor) and made[0].dim() == 3:
            seen.append((names[id(module)], module.batch_first, made[0]))
        else:
            seen.append(("", False, torch.zeros(0)))  # packed: it stops where the sequence does

    handles = [one.register_forward_hook(keep) for one in model.modules() if isinstance(one, nn.RNNBase)]
    if not handles:
        return ""
    try:
        with torch.enable_grad():
            outputs = call()
            chosen = outputs[output]
            name, batch_first, states = seen[-1] if seen else ("", False, torch.zeros(0))
            if not name or not states.requires_grad or not chosen.requires_grad:
                return ""
            (slope,) = torch.autograd.grad(chosen.float().square().sum(), states, allow_unused=True)
    finally:
        for handle in handles:
            handle.remove()
    if slope is None:
        return name  # the final state that the layer returns besides its outputs
    slope = slope if batch_first else slope.transpose(0, 1)
    read = (slope != 0).any(-1)
    if read.shape[1] != length:
        return ""
    return name if bool(read[:, -1].any()) and not bool(read[:, :-1].any()) else ""


def is_attention(module: nn.Module) -> bool:
    return isinstance(module, nn.MultiheadAttention)


class Masks:
    """While in force, looks at the `key_padding_mask` that attention modules are given."""

    def __init__(self, model: nn.Module, ids: torch.Tensor, padding: int | None) -> None:
        self.names = {id(module): name for name, module in model.named_modules()}
        self.tail = tail_of(ids, padding) if padding is not None else None
        self.attention = [module for module in model.modules() if is_attention(module)]
        self.inverted: list[str] = []
        self.handles: list[Any] = []

    def __enter__(self) -> Masks:
        if self.tail is not None:
            self.handles = [one.register_forward_pre_hook(self._look, with_kwargs=True) for one in self.attention]
        return self

    def __exit__(self, *_: object) -> None:
        for handle in self.handles:
            handle.remove()

    def _look(self, module: nn.Module, args: Any, kwargs: Any) -> None:
        mask = kwargs.get("key_padding_mask", args[3] if len(args) > 3 else None)
        if not isinstance(mask, torch.Tensor) or self.tail is None or mask.shape != self.tail.shape:
            return
        hidden = mask if mask.dtype == torch.bool else torch.isinf(mask)
        if bool((hidden == ~self.tail).all()):
            self.inverted.append(self.names[id(module)])
