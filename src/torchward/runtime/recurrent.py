"""Watches recurrent layers: is their state cut off between the steps of time, and which axis do they take for it?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from torchward.runtime.names import unwrapped
from torchward.runtime.tensors import plain, tensors_in

if TYPE_CHECKING:
    from torchward.runtime.models import Root
    from torchward.runtime.recorder import Recorder

KINDS = (nn.RNNBase, nn.RNNCellBase)
CARRIED = 3
"""Calls of a recurrent layer in one forward pass from which on it is called step by step."""
ROWS = 12


class Recurrent:
    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.in_time: tuple[nn.Module, torch.Tensor] | None = None
        """In the root call under way: a layer that takes the first axis for time, and what it was given."""

    def called(self, root: Root, module: nn.Module, args: Any, result: Any) -> None:
        """One was called with gradients, within a call of its model."""
        self._count(root, module, args, result)
        if isinstance(module, nn.RNNBase) and not module.batch_first and self.in_time is None and args:
            self.in_time = (module, args[0])

    def model_called(self, root: Root, module: nn.Module, args: Any) -> None:
        """The end of a training call of a model."""
        if self.in_time is not None:
            _read_in_time(root, module, args, *self.in_time)
            self.in_time = None

    def _count(self, root: Root, module: nn.Module, args: Any, result: Any) -> None:
        """A recurrent layer that is called step by step: does its own state come back to it with a graph?"""
        call, times, cut, made = root.carried.get(id(module), (-1, 0, 0, set()))
        if call != self.recorder.models.root_calls:
            times, cut, made = 0, 0, set()
        states = [t for t in tensors_in(args[1:], 4) if plain(t) and t.untyped_storage().data_ptr() in made]
        times += 1
        cut += bool(states) and not any(state.requires_grad for state in states)
        kept = {t.untyped_storage().data_ptr() for t in tensors_in(result, 4) if plain(t) and t.requires_grad}
        root.carried[id(module)] = (self.recorder.models.root_calls, times, cut, kept)

    def write(self, root: Root) -> None:
        for key, (call, times, cut, _) in root.carried.items():
            if call == self.recorder.models.root_calls and times >= CARRIED and root.carried_written < ROWS:
                root.carried_written += 1
                top = root.ref()
                name = next((n for n, m in top.named_modules() if id(m) == key), "") if top is not None else ""
                self.recorder.row("rc", m=root.index, mod=unwrapped(name), n=times, cut=cut)
        root.carried.clear()


def _read_in_time(root: Root, module: nn.Module, args: Any, layer: nn.Module, read: Any) -> None:
    """A recurrent layer took the first axis of the input, as it is, for time: is the second one as long?"""
    given = next(iter(tensors_in(args)), None)
    if root.time_first is not None or given is None or not (plain(given) and plain(read)) or given.dim() < 2:
        return
    same = given.data_ptr() == read.data_ptr() and given.stride()[:2] == read.stride()[:2]
    if same and read.dim() == 3 and given.shape[0] == given.shape[1] and given.shape[:2] == read.shape[:2]:
        path = next((name for name, member in module.named_modules() if member is layer), "")
        root.time_first = (unwrapped(path), type(layer).__name__)
