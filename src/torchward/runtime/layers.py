"""Watches the layers of models: which are called, with what, and which of them no model knows as its own."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from torchward.runtime.inputs import between_directions, between_rows, rows_differ
from torchward.runtime.names import unwrapped
from torchward.runtime.recurrent import KINDS as RECURRENT
from torchward.runtime.tensors import caller, number, plain, tensors_in

if TYPE_CHECKING:
    from torchward.runtime.models import Root
    from torchward.runtime.recorder import Recorder

LIMIT = 512
PLACED_CALLS = 3
"""Root calls, of so many layers each, in which it is seen where in the code layers are called."""
TWINS = 16
NORM_SAMPLES = 12
"""Samples in which the batch sizes that reach batch norm are written down."""
NORMALISATION = ("BatchNorm", "LayerNorm", "GroupNorm", "InstanceNorm", "RMSNorm")


class Layers:
    """What is known of the call of a model under way, and of all layers that were called in sampled steps."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.numbered: dict[int, dict[str, Any]] = {}
        """Layers that have a number in the log."""
        self.met: weakref.WeakSet[nn.Module] = weakref.WeakSet()
        """Modules that were called in a sampled step."""
        self.first_given: torch.Tensor | None = None
        """In a call that is looked into: what the first module with a matrix was given, if floating point."""
        self.first_left = False
        self.views: dict[int, torch.Tensor] = {}
        """In the root call under way: what parts of the model were given first, if it is data."""
        self.graded = False
        """The root call under way began with gradients enabled."""
        self.shut: set[int] = set()
        """Identities of modules that were called without gradients within such a call."""
        self.places: dict[int, set[tuple[int, int]]] = {}
        """In the root call under way: where in the code of its parent a layer was called."""
        self.entered: set[int] = set()
        """Identities of the modules called in the first training call of each root."""

    def begin_call(self) -> None:
        """A module is about to be called from outside of any other."""
        self.graded = torch.is_grad_enabled()
        self.first_given = None
        self.first_left = False
        self.views.clear()
        self.places.clear()

    def end_call(self) -> None:
        self.first_given = None
        self.views.clear()

    def called(self, root: Root, module: nn.Module, args: Any, result: Any) -> None:
        """A layer was called within a call of its model that is looked into."""
        if len(self.numbered) >= LIMIT:
            return
        key = id(module)
        # Factors and offsets alone may be a curve that each value is sent through; a matrix mixes values.
        if not self.first_left and any(parameter.dim() > 1 for parameter in module.parameters(recurse=False)):
            self.first_left = True
            self.first_given = next((t for t in tensors_in(args) if plain(t) and t.is_floating_point()), None)
        self.note(module)
        if isinstance(module, RECURRENT) and torch.is_grad_enabled():
            self.recorder.recurrent.called(root, module, args, result)
        if len(args) > 1 and torch.is_grad_enabled() and self.recorder.inputs.noised is None:
            made = next(tensors_in(result), None)
            if made is not None and plain(made) and made.dim() > 1 and made.requires_grad:
                self.recorder.inputs.may_denoise(root, module, [one for one in tensors_in(args) if plain(one)], made)
        if self.recorder.models.depth == 1 and torch.is_grad_enabled():
            self._view(root, module, args, result)
        if self.graded and root.placed < PLACED_CALLS * LIMIT:
            self._place(root, module)
        if key in root.repeated:
            self._repeated_call(root, key, args, result)
        if not torch.is_grad_enabled() and self.graded:
            self.shut.add(key)
        if torch.is_grad_enabled():
            self.entered.add(key)
            if root.norm_first is None and next(module.parameters(recurse=False), None) is not None:
                root.norm_first = type(module).__name__.startswith(NORMALISATION)
                self.recorder.row("root", i=root.index, norm_first=root.norm_first)
        if key not in root.members and next(module.parameters(), None) is not None and torch.is_grad_enabled():
            self._unregistered(root, module)
        if isinstance(module, nn.modules.batchnorm._BatchNorm) and module.training and torch.is_grad_enabled():
            tensor = next(tensors_in(args), None)
            if tensor is not None and tensor.dim() >= 2 and self.recorder.steps_sampled < NORM_SAMPLES:
                self.recorder.row(
                    "bn",
                    m=self._module(root, module),
                    n=tensor.shape[0],
                    v=tensor.numel() // max(1, tensor.shape[1]),
                )

    def note(self, module: nn.Module) -> None:
        """A model or layer was called in a sampled step."""
        if module not in self.met:
            self.met.add(module)
            for parameter in module._parameters.values():
                held = self.recorder.parameters.find(parameter) if parameter is not None else None
                if held is not None:
                    held.called = True

    def _view(self, root: Root, module: nn.Module, args: Any, result: Any) -> None:
        """A part of the model was called on data: a second time in one call, on other data of the same shape?"""
        given, made = next(tensors_in(args), None), next(tensors_in(result), None)
        if given is None or made is None or given.requires_grad or not (plain(given) and plain(made)):
            return
        first = self.views.get(id(module))
        if first is None:
            self.views[id(module)] = given
            return
        if first is given or first.shape != given.shape or made.dim() != 2 or given.device != made.device:
            return
        if not (rows_differ(given) and rows_differ(made)):
            return
        self.views[id(module)] = given
        index, features, step = self._module(root, module), made.shape[1], self.recorder.step

        def write(values: list[float]) -> None:
            self.recorder.row("vw", m=index, s=step, f=features, sp=number(values[0]), od=number(values[1]))

        self.recorder.reader.read([between_rows(given), between_directions(made)], write)

    def _repeated_call(self, root: Root, key: int, args: Any, result: Any) -> None:
        """A layer of which a list holds several: is it called once for each, on what may be its own output, or all on
        one input, which gives one output as often?"""
        given, made = next(tensors_in(args), None), next(tensors_in(result), None)
        if given is None or made is None or not plain(given):
            return
        call, times, where = root.repeats
        now = self.recorder.models.root_calls
        again = call == now
        if given.shape != made.shape and again and given.data_ptr() != where:
            return
        root.repeats = (now, times + 1 if again else 1, given.data_ptr())
        if root.repeats[1] == root.repeated[key][2]:
            self.recorder.row("root", i=root.index, rep=list(root.repeated.pop(key)))

    def _place(self, root: Root, module: nn.Module) -> None:
        """A layer of torch's is called by what it is an attribute of. At a second place, while another layer just like
        it has not been called yet? Whether that ever happens is known at the end of the run."""
        root.placed += 1
        if not type(module).__module__.startswith("torch.") or not _sizes(module):
            return
        frame = caller(1)
        names = frame.f_code.co_varnames[:1] if frame is not None else ()
        parent = frame.f_locals.get(names[0]) if frame is not None and names else None
        if frame is None or not isinstance(parent, nn.Module) or module not in parent._modules.values():
            return
        places = self.places.setdefault(id(module), set())
        places.add((id(frame.f_code), frame.f_lasti))
        if len(places) < 2 or len(root.twins) >= TWINS:
            return
        known = root.twins.keys()
        for other in parent._modules.values():
            alike = type(other) is type(module) and other is not module and _sizes(other) == _sizes(module)
            if other is None or not alike or other in self.met or (id(module), id(other)) in known:
                continue
            top = root.ref()
            paths = {id(one): unwrapped(path) for path, one in top.named_modules()} if top is not None else {}
            if id(module) in paths and id(other) in paths:
                root.twins[id(module), id(other)] = (paths[id(module)], paths[id(other)], type(other).__name__)
                self.recorder.row("root", i=root.index, tw=[list(one) for one in root.twins.values()])

    def _unregistered(self, root: Root, module: nn.Module) -> None:
        top = root.ref()
        if top is not None:
            root.members = {id(member) for member in top.modules()}
            if id(module) in root.members:  # it was put in after the first call
                self.recorder.models.hold_all(root, top)
                self.recorder.tables.begin(root, top)
        trainable = sum(1 for parameter in module.parameters(recurse=False) if parameter.requires_grad)
        if id(module) in root.members or id(module) in self.numbered or trainable == 0:
            return
        site = self.recorder.site(caller(4))
        kind = type(module).__name__
        index = len(self.numbered)
        # A strong reference keeps the identity from being given to another module.
        self.numbered[id(module)] = {"i": index, "module": module}
        held = self.recorder.optimizers.holds(module.parameters(recurse=False))
        name = f"{kind}@{index}"
        self.recorder.row(
            "module", i=index, name=name, kind=kind, model=root.index, reg=False, n=trainable, site=site, opt=held
        )
        for key, parameter in module.named_parameters(recurse=False):
            found = self.recorder.parameters.hold(parameter, f"{name}.{key}", None, name, kind)
            if found is not None:
                found.hidden = kind

    def _module(self, root: Root, module: nn.Module) -> int:
        known = self.numbered.get(id(module))
        if known is None:
            index = len(self.numbered)
            known = self.numbered[id(module)] = {"i": index, "module": module}
            top = root.ref()
            name = next((path for path, member in top.named_modules() if member is module), "") if top else ""
            self.recorder.row(
                "module",
                i=index,
                name=unwrapped(name),
                kind=type(module).__name__,
                model=root.index,
                reg=True,
                n=0,
                mom=module.momentum if getattr(module, "track_running_stats", False) else None,
            )
        return int(known["i"])


def _sizes(module: nn.Module | None) -> list[tuple[int, ...]]:
    """Of the parameters that it has itself."""
    return [tuple(one.shape) for one in module.parameters(recurse=False)] if module is not None else []


def repeated_layers(module: nn.Module) -> dict[int, tuple[str, str, int]]:
    """Layers with parameters that stand several times in one list."""
    found: dict[int, tuple[str, str, int]] = {}
    for path, member in module.named_modules():
        if not isinstance(member, (nn.ModuleList, nn.Sequential, nn.ModuleDict)):
            continue
        children = list(member._modules.values())
        for child in children:
            times = sum(other is child for other in children)
            if isinstance(member, nn.ModuleDict) and times < len(children):
                continue  # some keys share a layer: so it may be meant
            if child is not None and times > 1 and next(child.parameters(), None) is not None:
                found[id(child)] = (unwrapped(path), type(child).__name__, times)
    return found
