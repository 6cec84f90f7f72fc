"""Watches tensors that a model reads but that are not in its state dict: does another model of its class that is given
that state dict hold the same ones?

What is looked at stayed as it was from the first call of the trained model on, and its name stands in the code of the
`forward` of the module that holds it: so it is part of what was learned with, and no memory of the last batch.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from torchward.runtime.names import variable_name
from torchward.runtime.tensors import caller, plain

if TYPE_CHECKING:
    from torchward.runtime.models import Root
    from torchward.runtime.recorder import Recorder

LIMIT = 32
"""Tensors of one model, and models."""
TOLD = 8
NUMBERS = 4_194_304
"""Values of a tensor above which it is left alone."""
DIFFERENT = 1e-3
"""Largest difference, as a share of the largest value, from which on it is no rounding."""


class Unsaved:
    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.known: dict[int, tuple[weakref.ref[nn.Module], dict[str, tuple[weakref.ref[Any], int]]]] = {}
        """Number of a model -> it, and of each such tensor it and its version at the first call."""
        self.told = 0
        self.begin, self.loaded = (recorder.guarded("unsaved", one) for one in (self._begin, self._loaded))

    def _begin(self, root: Root, module: nn.Module) -> None:
        """A model that is trained is called for the first time."""
        held = {path: (weakref.ref(one), one._version) for path, one in _beside_state(module)}
        if held and len(self.known) < LIMIT:
            self.known[root.index] = weakref.ref(module), held

    def _loaded(self, module: nn.Module) -> None:
        """A module was given a state dict."""
        if not self.known or self.told >= TOLD:
            return
        trained = [model for model, _ in self.known.values()]
        if any(model() is module for model in trained):
            return
        own = dict(_beside_state(module))
        others: list[str] | None = None
        for index, (model_of, held) in self.known.items():
            model = model_of()
            if model is None or type(model) is not type(module):
                continue
            now = dict(_beside_state(model))
            found = [
                path
                for path, (tensor, version) in held.items()
                if path in now
                and tensor() is now[path]
                and now[path]._version == version
                and _differ(now[path], own.get(path))
            ]
            if not found:
                return  # it is a copy of this one
            others, source = found, index
        if others:
            self.told += 1
            frame = caller(4)
            site = self.recorder.site(frame)
            name = variable_name(module, frame)
            self.recorder.row("us", s=self.recorder.step, site=site, m=source, into=name, names=others)


def _beside_state(module: nn.Module) -> Iterator[tuple[str, torch.Tensor]]:
    """(path, tensor) of what its modules hold beside their state dict and name in `forward`."""
    count = 0
    for path, member in module.named_modules():
        fleeting = {name: member._buffers.get(name) for name in member._non_persistent_buffers_set}
        named = _names_in_forward(member)
        for key, value in (*vars(member).items(), *fleeting.items()):
            if not plain(value) or isinstance(value, nn.Parameter) or key not in named or value.is_inference():
                continue
            if value.is_floating_point() and not value.requires_grad and 1 < value.numel() <= NUMBERS and count < LIMIT:
                count += 1
                yield (f"{path}.{key}" if path else key), value


def _names_in_forward(member: nn.Module) -> set[str]:
    """Names in the code of `forward`, and of the methods that it names."""
    code = getattr(type(member).forward, "__code__", None)
    names = set(code.co_names) if code is not None else set()
    for name in tuple(names):
        inner = getattr(getattr(type(member), name, None), "__code__", None)
        names.update(inner.co_names if inner is not None else ())
    return names


def _differ(one: torch.Tensor, other: torch.Tensor | None) -> bool:
    if other is None or one.shape != other.shape or one.device != other.device or one.dtype != other.dtype:
        return False
    return bool((one - other).abs().max() > DIFFERENT * one.abs().max())
