"""Sets of adapters under one name, of several in a model: is one never trained, while another is, or asked instead?

Sets are the entries of dictionaries of modules or parameters, as peft keeps them: `lora_A["one"]`, `lora_A["two"]`.
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from torchward.runtime.tensors import plain, thin

if TYPE_CHECKING:
    from torchward.runtime.models import Root
    from torchward.runtime.recorder import Recorder

MODULES = 20_000
"""Of a model, above which it is not gone through."""
OPTIMIZERS, ASKED = 64, 256
"""Optimizers that are made, and calls without gradients, that are looked at."""
SETS, MATRICES = 32, 256
"""Names in a model, and matrices of one of them."""
LATER = 100
"""Steps up to which they are counted."""
Sets = dict[str, list[nn.Parameter]]


class _Known:
    """What was seen of the sets of one model."""

    def __init__(self, module: nn.Module, found: Sets, step: int) -> None:
        self.since = dict.fromkeys(found, step)
        """Name -> step at which it was first seen."""
        self.trained: dict[str, int] = {}
        """Name -> step from which on it was to be trained."""
        self.sizes: dict[str, tuple[int, int]] = {}
        """Name -> matrices, and how many of them are 0."""
        self.added: dict[str, tuple[str, int]] = {}
        """Name -> (the set that an optimizer made at this step goes on to train, step)."""
        self.asked: dict[str, tuple[str, int]] = {}
        """Name -> (the set trained last, step), of those that were in use in a call without gradients."""
        self.switch = next(
            (weakref.ref(one) for one in module.modules() if isinstance(vars(one).get("_active_adapter"), (list, str))),
            None,
        )
        """A layer that says which are in use."""


class Idle:
    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.known: dict[int, _Known] = {}
        """By the index of the root."""
        self.made = self.calls = 0
        self.sent: list[Any] = []
        self.begins, self.look, self.evaluated, self.write_counts = (
            recorder.guarded("sets of adapters", one)
            for one in (self._begins, self._look, self._evaluated, self._write_counts)
        )

    def _look(self, root: Root, module: nn.Module) -> None:
        """A model that is trained in part was called for the first time."""
        found = _sets(module)
        if not found:
            return
        step = self.recorder.step
        known = self.known[root.index] = _Known(module, found, step)
        known.trained = {name: step for name, held in found.items() if any(one.requires_grad for one in held)}

    def _begins(self, optimizer: torch.optim.Optimizer) -> None:
        """An optimizer was made."""
        self.made += 1
        if self.recorder.inside or self.made > OPTIMIZERS:
            return
        members = {id(one) for group in optimizer.param_groups for one in group["params"]}
        step = self.recorder.step
        tops = list(self.recorder.models.roots.values())
        for root in tops:
            module = root.ref()
            if module is None or any(id(module) in other.members for other in tops if other is not root):
                continue
            found = _sets(module)
            if not found:
                continue
            known = self.known.get(root.index)
            if known is None:
                known = self.known[root.index] = _Known(module, found, step)
            held = [name for name, own in found.items() if any(id(one) in members for one in own)]
            again = [name for name in held if known.trained.get(name, step) < step]
            for name, own in found.items():
                if name in held:
                    known.trained.setdefault(name, step)
                elif name not in known.since and again and name not in known.trained:
                    known.added[name] = again[0], step
                    self._measure(known, name, own)
                known.since.setdefault(name, step)

    def _evaluated(self, root: Root, module: nn.Module) -> None:
        """A model was called without gradients."""
        known = self.known.get(root.index)
        switch = known.switch() if known is not None and known.switch is not None else None
        if known is None or switch is None or not known.trained or self.calls >= ASKED:
            return
        self.calls += 1
        now = vars(switch).get("_active_adapter")
        for name in [now] if isinstance(now, str) else list(now or ()):
            if name not in known.trained and name not in known.asked:
                own = _sets(module).get(name)
                if own is not None:
                    known.asked[name] = max(known.trained, key=lambda one: known.trained[one]), self.recorder.step
                    self._measure(known, name, own)

    def _measure(self, known: _Known, name: str, own: list[nn.Parameter]) -> None:
        matrices = [one for one in own if one.dim() >= 2 and plain(one)][:MATRICES]
        if not matrices or name in known.sizes or any(one.device != matrices[0].device for one in matrices):
            return

        def write(zero: list[float]) -> None:
            known.sizes[name] = len(matrices), sum(map(int, zero))

        self.recorder.reader.read([(~thin(one).any()).float() for one in matrices], write)

    def _write_counts(self) -> None:
        now = self.recorder.step
        rows = [
            {"m": index, "name": name, "of": other, "how": how, "s": step, "l": min(LATER, now - step), "n": sizes}
            for index, known in self.known.items()
            for how, seen in (("added", known.added), ("asked", known.asked))
            for name, (other, step) in seen.items()
            if (sizes := known.sizes.get(name)) is not None and name not in known.trained
        ]
        if rows != self.sent:
            self.sent = rows
            self.recorder.row("ia", rows=rows)


def _sets(module: nn.Module) -> Sets:
    """Parameters in the entries of dictionaries, by the name of the entry."""
    found: Sets = {}
    for count, one in enumerate(module.modules()):
        if count >= MODULES:
            return {}
        if not isinstance(one, (nn.ModuleDict, nn.ParameterDict)) or not 0 < len(one) <= SETS:
            continue
        for name, entry in one.items():
            parameters = list(entry.parameters()) if isinstance(entry, nn.Module) else [entry]
            held = [each for each in parameters if isinstance(each, nn.Parameter)]
            if held:
                found.setdefault(name, []).extend(held)
    return found
