"""Knows parameters by name: which model and module they belong to, and what was last written of them."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

if TYPE_CHECKING:
    from torchward.runtime.recorder import Recorder

PARAMETER_LIMIT = 5_000


class Held:
    """A parameter that is known by name."""

    __slots__ = ("called", "frozen", "hidden", "index", "kind", "loaded", "model", "module", "name", "ref", "sent")

    def __init__(self, index: int, tensor: torch.Tensor, name: str, model: int | None, module: str, kind: str) -> None:
        self.index, self.name, self.model, self.module, self.kind = index, name, model, module, kind
        self.ref = weakref.ref(tensor)
        self.hidden = ""
        self.loaded = False
        self.called = False
        self.frozen = not tensor.requires_grad
        """As first seen."""
        self.sent: Any = None


class Parameters:
    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.held: dict[int, Held] = {}
        self.loaded: weakref.WeakSet[nn.Module] = weakref.WeakSet()
        """Modules that a state dict was loaded into."""

    def hold(self, tensor: torch.Tensor, name: str, model: int | None, module: str, kind: str) -> Held | None:
        known = self.held.get(id(tensor))
        if known is not None and known.ref() is tensor:
            if model is not None:
                known.name, known.model, known.module, known.kind, known.hidden = name, model, module, kind, ""
                self._send(known, tensor, again=True)
            return known
        if len(self.held) >= PARAMETER_LIMIT:
            self.held = {key: held for key, held in self.held.items() if held.ref() is not None}
            if len(self.held) >= PARAMETER_LIMIT:
                self.recorder.blind("parameters", f"more than {PARAMETER_LIMIT:,} tensors: the rest are not followed")
                return None
        held = self.held[id(tensor)] = Held(self.recorder.next_index("param"), tensor, name, model, module, kind)
        held.loaded = any(tensor is parameter for part in self.loaded for parameter in part.parameters())
        return held

    def find(self, tensor: torch.Tensor) -> Held | None:
        known = self.held.get(id(tensor))
        return known if known is not None and known.ref() is tensor else None

    def owner(self, tensor: torch.Tensor) -> tuple[str, str] | None:
        known = self.find(tensor)
        return (known.module, known.kind) if known is not None else None

    def send(self, held: Held, tensor: torch.Tensor) -> int:
        """Make sure that the log knows the parameter as it is now; its number."""
        self._send(held, tensor)
        return held.index

    def _send(self, held: Held, tensor: torch.Tensor, again: bool = False) -> None:
        holders = self.recorder.optimizers.holders(tensor)
        state = (held.name, tensor.requires_grad, held.loaded, held.frozen, holders, held.hidden, held.called)
        if (again and held.sent is None) or state == held.sent:
            return
        held.sent = state
        self.recorder.row(
            "param",
            i=held.index,
            name=held.name,
            model=held.model,
            mod=held.module,
            mk=held.kind,
            shape=list(tensor.shape),
            dt=str(tensor.dtype).removeprefix("torch."),
            dev=tensor.device.type,
            rg=tensor.requires_grad,
            ld=held.loaded,
            fz=held.frozen,
            called=held.called,
            opt=holders,
            hid=held.hidden,
            leaf=tensor.is_leaf,
        )

    def live(self) -> list[tuple[Held, torch.Tensor]]:
        """Parameters that still exist."""
        return [(held, tensor) for held in self.held.values() if (tensor := held.ref()) is not None]
