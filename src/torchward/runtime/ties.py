"""Watches parameters that are given to a second module: do both share them when the model is called?"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

from torch import nn

if TYPE_CHECKING:
    from torchward.runtime.models import Root
    from torchward.runtime.recorder import Recorder

LIMIT = 20_000
"""Parameters that are remembered; beyond, those that are gone are forgotten."""
TIES = 64


class Ties:
    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.owners: dict[int, tuple[weakref.ref[Any], weakref.ref[nn.Module]]] = {}
        """Identity of a parameter -> it, and the first module that it was registered in."""
        self.full = False
        self.tied: list[tuple[weakref.ref[Any], weakref.ref[nn.Module], weakref.ref[nn.Module]]] = []
        """A parameter that a second module was given; the first module, the second."""

    def registered(self, module: nn.Module, _name: str, parameter: Any) -> None:
        """Called by torch whenever a parameter is assigned to a module."""
        if parameter is None or nn.parameter.is_lazy(parameter) or parameter.dim() < 2:
            return
        known = self.owners.get(id(parameter))
        if known is not None and known[0]() is parameter:
            first = known[1]()
            if first is not None and first is not module and len(self.tied) < TIES:
                self.tied.append((known[0], known[1], weakref.ref(module)))
            return
        if len(self.owners) >= LIMIT and not self.full:
            self.owners = {key: known for key, known in self.owners.items() if known[0]() is not None}
            self.full = len(self.owners) > LIMIT // 2
        if not self.full:
            self.owners[id(parameter)] = weakref.ref(parameter), weakref.ref(module)

    def look(self, root: Root, module: nn.Module) -> None:
        """A model is called for the first time: do those of its layers that shared a weight still do so?"""
        members = dict(module.named_modules())
        inside = {id(member): path for path, member in members.items()}
        for parameter_of, first_of, second_of in self.tied:
            first, second, parameter = first_of(), second_of(), parameter_of()
            if second is None or id(second) not in inside or parameter is None:
                continue
            own = [one for one in second._parameters.values() if one is parameter]
            if not own or (first is not None and id(first) in inside and _holds(first, parameter)):
                continue  # it was given another one since, or both still have it
            others = [
                path
                for path, member in members.items()
                if isinstance(member, nn.Embedding) and getattr(_weight(member), "shape", None) == parameter.shape
            ]
            shared = sum(_holds(member, parameter) for member in members.values())
            if others and shared == 1:
                self.recorder.row("tie", m=root.index, layer=inside[id(second)], table=others[0], n=parameter.numel())


def _weight(module: nn.Module) -> Any:
    """Its own: to ask a parametrised layer for it may change what it keeps."""
    return module._parameters.get("weight")


def _holds(module: nn.Module, parameter: Any) -> bool:
    return any(one is parameter for one in module._parameters.values())
