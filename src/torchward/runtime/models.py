"""Watches models: which modules are roots, what they hold, what they are given, in which mode they are called.

Module calls are seen by standing in for `nn.Module.__call__`, and only while that is armed: during sampled steps, and
for the first calls after a loader starts over or a model changes mode. At all other times the original is in place.
"""

from __future__ import annotations

import math
import sys
import threading
import weakref
from collections.abc import Callable
from functools import partial
from types import FrameType
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from torchward.runtime.inputs import between_directions, between_rows, rows_differ
from torchward.runtime.tables import KINDS as TABLES
from torchward.runtime.tensors import caller, in_torch, number, plain, tensors_in, thin
from torchward.runtime.wrap import Patches, disguise

if TYPE_CHECKING:
    from torchward.runtime.recorder import Recorder

ROOT_LIMIT = 64
MODULE_LIMIT = 512
CALLS_PER_ARMING = 16
"""Root calls after which the stand-in is taken out again, should no step end it sooner."""
DETAILED_CALLS = 3
"""Root calls per sampled step whose inner calls are looked at."""

RECURRENT = (nn.RNNBase, nn.RNNCellBase)
CARRIED = 3
"""Calls of a recurrent layer in one forward pass from which on it is called step by step."""
CARRIED_ROWS = 12
COPY_SPACING = 12
"""Copies of trained models are looked at after the steps so far divided by this."""
QUIET_SPACING = 50
"""Calls without gradients outside of sampled steps are looked at after the steps so far divided by this."""
OUTPUT_LIMIT = 8
"""Tensors that a model returns, of which it is followed what becomes of them."""
ASKED_AGAIN = 3
"""Calls in a row with the same input, without a step between: several draws are wanted (Monte Carlo dropout)."""

INITIALISED = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)
"""Layers whose `reset_parameters` draws the weight evenly from -1 to 1, divided by the root of the inputs of a unit."""
FROZEN_LIMIT = 256
LEAST_DRAWN = 256
"""Weights from which on such a draw is told from trained ones ..."""
DRAWN_APART = 0.06
"""... by their mean square, which is 1/3 with a deviation of 0.3 / sqrt(number): three deviations of the fewest."""
NORM_SAMPLES = 12
"""Samples in which the batch sizes that reach batch norm are written down."""

NORMALISATION = ("BatchNorm", "LayerNorm", "GroupNorm", "InstanceNorm", "RMSNorm")
WRAPPERS = ("DistributedDataParallel", "DataParallel", "OptimizedModule")


class Call:
    """One call of a root: was its output used for gradients?"""

    __slots__ = ("grad", "outputs", "root", "site", "step", "training", "used")

    def __init__(self, root: Root, training: bool, grad: bool, step: int, site: int) -> None:
        self.root, self.training, self.grad, self.step, self.site = root, training, grad, step, site
        self.used = False
        self.outputs: set[int] | None = None
        """Positions of the outputs that gradients came through; only of calls whose outputs are all followed."""

    def mark(self, _gradients: Any, position: int = -1) -> None:
        self.used = True
        if self.outputs is not None:
            self.outputs.add(position)


class Root:
    def __init__(self, index: int, module: nn.Module) -> None:
        self.index = index
        self.site = -1
        self.ref = weakref.ref(module)
        self.members: set[int] = set()
        self.modes: list[weakref.ref[nn.Module]] = []
        self.counts = dict.fromkeys(("tb", "tn", "tg", "eb", "en", "eg"), 0)
        self.sites: dict[str, set[int]] = {"tn": set(), "eg": set()}
        self.own_mode = 0
        self.trained = 0
        self.explicit_eval = False
        self.eval_then_trained = 0
        self.eval_from_start = 0
        self.trained_step = self.eval_step = -1
        self.before_eval = (0, 0)
        self.norm_first: bool | None = None
        self.inputs = 0
        self.last_input: weakref.ref[torch.Tensor] | None = None
        self.copy_at = 0
        """The step from which on it is next looked at as the copy of a trained model."""
        self.repeated: dict[int, tuple[str, str, int]] = {}
        """Layers that stand several times in one list -> (path of the list, class, times)."""
        self.last_asked: tuple[weakref.ref[torch.Tensor], int, int] | None = None
        """Input of the last call in train mode without gradients, the step of it, how often in a row."""
        self.asked_again = 0
        self.time_first: tuple[str, str] | None = None
        """(path, class) of a recurrent layer that takes the first axis of the model's input for time, where the second
        one is as long."""
        self.asked_sizes: dict[int, int] = {}
        """Rows of what it was given -> how often."""
        self.carried: dict[int, tuple[int, int, int, set[int]]] = {}
        """Recurrent layers called: which root call, how often in it, how often with its own state cut off, and where
        its last outputs lie."""
        self.carried_written = 0
        self.outputs_seen = 0
        self.output_shapes: list[list[int]] = []
        self.outputs_used: list[int] = []
        """Calls in which a gradient came through each output; -1 for outputs without a graph."""
        self.rewards: list[float] = []
        """Those that were found several times in a batch of what it learns the values of."""
        self.judges_made = False
        """It was given what another model made."""
        self.repeats: tuple[int, int, int] = (-1, 0, 0)
        """Which root call, how many calls of such a layer in it, and where the last input of one lies."""


class Models:
    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.roots: dict[int, Root] = {}
        self.listed = 0
        self.calls: list[Call] = []
        self.depth = 0
        self.thread = threading.get_ident()
        self.armed = False
        self.allowed = True
        """False once anything is compiled: a stand-in would make the compiler trace torchward."""
        self.root_calls = 0
        self.current: Root | None = None
        self.detailed = False
        self.first_left = False
        self.seen_modules: dict[int, dict[str, Any]] = {}
        self.called: weakref.WeakSet[nn.Module] = weakref.WeakSet()
        """Modules that were called in a sampled step."""
        self.first_given: torch.Tensor | None = None
        """In a call that is looked into: what the first module with parameters was given, if floating point."""
        self.read_in_time: tuple[nn.Module, torch.Tensor] | None = None
        """In the root call under way: a recurrent layer that takes the first axis for time, and what it was given."""
        self.views: dict[int, torch.Tensor] = {}
        """In the root call under way: what parts of the model were given first, if it is data."""
        self.graded = False
        """The root call under way began with gradients enabled."""
        self.shut: set[int] = set()
        """Identities of modules that were called without gradients within such a call."""
        self.entered: set[int] = set()
        """Identities of the modules called in the first training call of each root."""
        self.capture: Callable[[Root, nn.Module, tuple[Any, ...], dict[str, Any], Any], None] | None = None
        self.original = nn.Module.__call__
        self.stand_in = self._make_stand_in()
        self.quiet = Patches()
        """What is in place while a model in eval mode waits for its first call."""
        self.quiet_step = -1

    # -- the stand-in

    def _make_stand_in(self) -> Any:
        models, original, enter, leave, fail = (
            self,
            self.original,
            self.recorder.guarded("modules", self._enter),
            self.recorder.guarded("modules", self._leave),
            self._failed,
        )

        def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
            token = enter(self) if models.detailed or not models.depth else None
            try:
                result = original(self, *args, **kwargs)
            except BaseException as error:
                error.__traceback__ = error.__traceback__.tb_next  # type: ignore[union-attr]
                fail(token)
                raise
            if token is not None:
                leave(token, self, args, kwargs, result)
            return result

        return disguise(wrapper, original)

    def arm(self) -> None:
        """Put the stand-in in place; where it is already, the calls are counted anew."""
        self.root_calls = 0
        if self.armed or not self.allowed or nn.Module.__call__ is not self.original:
            return
        self.armed = True
        self.depth = 0
        nn.Module.__call__ = self.stand_in  # type: ignore[method-assign]
        self.recorder.scores.arm()

    def disarm(self) -> None:
        """Put the original back, unless somebody has put something else on top."""
        if self.armed and nn.Module.__call__ is self.stand_in:
            nn.Module.__call__ = self.original  # type: ignore[method-assign]
        self.recorder.scores.disarm()
        self.armed = False

    def forbid(self, why: str) -> None:
        """Never arm again."""
        self.disarm()
        self.quiet.undo()
        if self.allowed:
            self.allowed = False
            self.recorder.row("blind", area="modules", why=why)

    def _failed(self, token: Any) -> None:
        if token is not None:
            self.depth -= 1

    def _enter(self, module: nn.Module) -> Any:
        if not self.armed or self.recorder.inside or threading.get_ident() != self.thread:
            return None
        self.depth += 1
        if self.depth == 1:
            self.graded = torch.is_grad_enabled()
            self.current = None
            self.detailed = False
            self.first_given = None
            self.first_left = False
            self.read_in_time = None
            self.views.clear()
            self.recorder.tables.looked.clear()
            if next(module.parameters(), None) is not None:
                if self.recorder.exchanges.under_way and module.training and torch.is_grad_enabled():
                    self.recorder.exchanges.close()  # the wrapper may send buffers round in this call
                self.root_calls += 1
                self.current = self.root(module, caller(2))
                self.detailed = self.recorder.sampling and self.root_calls <= DETAILED_CALLS
                if not self.detailed and self.current is not None:
                    self.detailed = self.recorder.tables.curious(self.current)
                if self.root_calls > CALLS_PER_ARMING:
                    self.disarm()
        return True

    def _leave(self, _token: Any, module: nn.Module, args: Any, kwargs: Any, result: Any) -> None:
        self.depth -= 1
        root = self.current
        if root is None:
            return
        if self.depth == 0:
            self.recorder.timed(self._root_call, root, module, args, kwargs, result, torch.is_grad_enabled())
            self.first_given = None
            self.views.clear()
        elif self.detailed:
            if isinstance(module, TABLES):
                self.recorder.tables.looked_up(root, module, args)
            if self.recorder.sampling and len(self.seen_modules) < MODULE_LIMIT:
                self._inner_call(root, module, args, result)

    def _root_call(self, root: Root, module: nn.Module, args: Any, kwargs: Any, result: Any, grad: bool) -> None:
        recorder = self.recorder
        recorder.event("forward", root.index)
        recorder.scores.returned(root.index, result)
        if root.carried:
            self._write_carried(root)
        returned = list(tensors_in(result))[:OUTPUT_LIMIT]
        outputs = [(place, tensor) for place, tensor in enumerate(returned) if tensor.grad_fn is not None]
        frame = caller(4)
        call = Call(root, module.training, bool(outputs) and grad, recorder.step, recorder.site(frame))
        if call.grad:
            several = len(outputs) > 1 and len({tensor.grad_fn for _, tensor in outputs}) == len(outputs)
            if several and recorder.sampling:
                call.outputs = set()
                size = outputs[-1][0] + 1
                root.outputs_used += [-1] * (size - len(root.outputs_used))
                root.output_shapes = [list(tensor.shape) for tensor in returned]
                for place, _ in outputs:
                    root.outputs_used[place] = max(0, root.outputs_used[place])
            for place, tensor in outputs:
                tensor.grad_fn.register_prehook(partial(call.mark, position=place))  # type: ignore[union-attr]
            if recorder.sampling:
                recorder.losses.returned(root.index, outputs)
        else:
            recorder.heldout.asked(root, args, kwargs, call.site)
            recorder.exchanges.evaluates(root, args, kwargs, call.site)
            if module.training:
                self._asked(root, args, kwargs)
        if root.index in recorder.tables.known and (self.detailed or not grad):
            training = call.grad and recorder.sampling
            recorder.tables.called(root, args, kwargs, result, training, call.site)
        self._sizes(root, args, kwargs)
        if len(self.calls) < 256 and not _updates_statistics():
            self.calls.append(call)
        if recorder.sampling:
            self._called(module)
            recorder.inputs.returned(root, returned)
        if recorder.step >= root.copy_at:
            self._copy(root, module, call.site)
        if not recorder.sampling or not call.grad:
            return
        if module.training:
            own = sum(1 for ref in root.modes if (mode := ref()) is not None and not mode.training)
            root.own_mode = max(root.own_mode, own)
        if self.capture is not None:
            self.capture(root, module, args, kwargs, result)
        if self.read_in_time is not None:
            self._read_in_time(root, module, args, *self.read_in_time)
            self.read_in_time = None
        recorder.heldout.trained_on(root, args, kwargs)
        recorder.mirrors.called(args, kwargs)
        # Without any call of a part of it, a module of torch's is the one layer that the model is.
        alone = self.detailed and not self.first_left and type(module).__module__.startswith("torch.")
        layer = self.first_given if self.detailed else None
        recorder.inputs.saw(root, args, kwargs, result, call.site, layer, alone)

    @staticmethod
    def _read_in_time(root: Root, module: nn.Module, args: Any, layer: nn.Module, read: Any) -> None:
        """A recurrent layer took the first axis of the input, as it is, for time: is the second one as long?"""
        given = next(iter(tensors_in(args)), None)
        if root.time_first is not None or given is None or not (plain(given) and plain(read)) or given.dim() < 2:
            return
        same = given.data_ptr() == read.data_ptr() and given.stride()[:2] == read.stride()[:2]
        if same and read.dim() == 3 and given.shape[0] == given.shape[1] and given.shape[:2] == read.shape[:2]:
            path = next((name for name, member in module.named_modules() if member is layer), "")
            root.time_first = (_bare(path), type(layer).__name__)

    def _copy(self, root: Root, module: nn.Module, site: int) -> None:
        """A model that no optimizer holds was called: how far is it from the trained one that it is a copy of?"""
        step, optimizers = self.recorder.step, self.recorder.optimizers
        root.copy_at = step + max(1, step // COPY_SPACING)
        own = list(module.parameters())
        if optimizers.holds(own):
            root.copy_at = sys.maxsize
            return
        for other in self.roots.values():
            top = other.ref()
            if top is None or other is root:
                continue
            theirs = list(top.parameters())
            if [one.shape for one in theirs] != [one.shape for one in own] or not optimizers.holds(theirs):
                continue
            place = max(range(len(own)), key=lambda place: own[place].numel())
            one, two = own[place], theirs[place]
            if one is two or not (plain(one) and plain(two) and one.is_floating_point() and one.device == two.device):
                continue
            mine, original = thin(one, 1_024).float(), thin(two, 1_024).float()
            row = {"i": root.index, "of": other.index, "s": step, "site": site, "ev": not module.training}
            statistics = [*_statistics(module), *_statistics(top)]

            def write(values: list[float], row: dict[str, Any] = row, known: bool = len(statistics) == 4) -> None:
                distance = number(values[2] / max(values[3], 1e-30))
                of = [_fingerprint(values[4:6]), _fingerprint(values[6:8])] if known else None
                self.recorder.row("cp", **row, fp=_fingerprint(values), d=distance, st=of)

            self.recorder.reader.read([*_sums(mine), (mine - original).norm(), original.norm(), *statistics], write)
            return

    def _sizes(self, root: Root, args: Any, kwargs: Any) -> None:
        """A call, also one with gradients of which no use is made: for how many examples?"""
        given = next(iter((*tensors_in(args), *tensors_in(kwargs))), None)
        if given is not None:
            rows = given.shape[0] if given.dim() > 1 else 1
            if rows in root.asked_sizes or len(root.asked_sizes) < 64:
                root.asked_sizes[rows] = root.asked_sizes.get(rows, 0) + 1

    def _asked(self, root: Root, args: Any, kwargs: Any) -> None:
        """A call in train mode without gradients: on the very input of the one before, again and again?"""
        given = next(iter((*tensors_in(args), *tensors_in(kwargs))), None)
        if given is None:
            return
        last = root.last_asked
        again = last is not None and last[0]() is given and last[1] == self.recorder.step
        times = last[2] + 1 if last is not None and again else 1
        root.last_asked = (weakref.ref(given), self.recorder.step, times)
        if times >= ASKED_AGAIN:
            root.asked_again += ASKED_AGAIN if times == ASKED_AGAIN else 1

    def _inner_call(self, root: Root, module: nn.Module, args: Any, result: Any) -> None:
        key = id(module)
        if not self.first_left and next(module.parameters(recurse=False), None) is not None:
            self.first_left = True
            self.first_given = next((t for t in tensors_in(args) if plain(t) and t.is_floating_point()), None)
        self._called(module)
        if isinstance(module, RECURRENT) and torch.is_grad_enabled():
            self._carried(root, module, args, result)
            if isinstance(module, nn.RNNBase) and not module.batch_first and self.read_in_time is None and args:
                self.read_in_time = (module, args[0])
        if len(args) > 1 and torch.is_grad_enabled() and self.recorder.inputs.noised is None:
            made = next(tensors_in(result), None)
            if made is not None and plain(made) and made.dim() > 1 and made.requires_grad:
                self.recorder.inputs.may_denoise(root, [one for one in tensors_in(args) if plain(one)], made)
        if self.depth == 1 and torch.is_grad_enabled():
            self._view(root, module, args, result)
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

    def _carried(self, root: Root, module: nn.Module, args: Any, result: Any) -> None:
        """A recurrent layer that is called step by step: does its own state come back to it with a graph?"""
        call, times, cut, made = root.carried.get(id(module), (-1, 0, 0, set()))
        if call != self.root_calls:
            times, cut, made = 0, 0, set()
        states = [t for t in tensors_in(args[1:], 4) if plain(t) and t.untyped_storage().data_ptr() in made]
        times += 1
        cut += bool(states) and not any(state.requires_grad for state in states)
        kept = {t.untyped_storage().data_ptr() for t in tensors_in(result, 4) if plain(t) and t.requires_grad}
        root.carried[id(module)] = (self.root_calls, times, cut, kept)

    def _write_carried(self, root: Root) -> None:
        for key, (call, times, cut, _) in root.carried.items():
            if call == self.root_calls and times >= CARRIED and root.carried_written < CARRIED_ROWS:
                root.carried_written += 1
                top = root.ref()
                name = next((n for n, m in top.named_modules() if id(m) == key), "") if top is not None else ""
                self.recorder.row("rc", m=root.index, mod=_bare(name), n=times, cut=cut)
        root.carried.clear()

    def _repeated_call(self, root: Root, key: int, args: Any, result: Any) -> None:
        """A layer of which a list holds several: is it called once for each, on what may be its own output, or all on
        one input, which gives one output as often?"""
        given, made = next(tensors_in(args), None), next(tensors_in(result), None)
        if given is None or made is None or not plain(given):
            return
        call, times, where = root.repeats
        again = call == self.root_calls
        if given.shape != made.shape and again and given.data_ptr() != where:
            return
        root.repeats = (self.root_calls, times + 1 if again else 1, given.data_ptr())
        if root.repeats[1] == root.repeated[key][2]:
            self.recorder.row("root", i=root.index, rep=list(root.repeated.pop(key)))

    def _called(self, module: nn.Module) -> None:
        if module not in self.called:
            self.called.add(module)
            for parameter in module._parameters.values():
                held = self.recorder.parameters.find(parameter) if parameter is not None else None
                if held is not None:
                    held.called = True

    def _unregistered(self, root: Root, module: nn.Module) -> None:
        top = root.ref()
        if top is not None:
            root.members = {id(member) for member in top.modules()}
            if id(module) in root.members:  # it was put in after the first call
                self.hold_all(root, top)
                self.recorder.tables.begin(root, top)
        trainable = sum(1 for parameter in module.parameters(recurse=False) if parameter.requires_grad)
        if id(module) in root.members or id(module) in self.seen_modules or trainable == 0:
            return
        site = self.recorder.site(caller(4))
        kind = type(module).__name__
        index = len(self.seen_modules)
        # A strong reference keeps the identity from being given to another module.
        self.seen_modules[id(module)] = {"i": index, "module": module}
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
        known = self.seen_modules.get(id(module))
        if known is None:
            index = len(self.seen_modules)
            known = self.seen_modules[id(module)] = {"i": index, "module": module}
            top = root.ref()
            name = next((path for path, member in top.named_modules() if member is module), "") if top else ""
            self.recorder.row(
                "module",
                i=index,
                name=_bare(name),
                kind=type(module).__name__,
                model=root.index,
                reg=True,
                n=0,
                mom=module.momentum if getattr(module, "track_running_stats", False) else None,
            )
        return int(known["i"])

    # -- what a root is

    def root(self, module: nn.Module, frame: FrameType | None, compiled: bool = False) -> Root | None:
        """The record of a root module, made (and written) on first sight."""
        known = self.roots.get(id(module))
        if known is not None and known.ref() is module:
            return known
        if len(self.roots) >= ROOT_LIMIT or any(map(nn.parameter.is_lazy, module.parameters())):
            return None  # a lazy model is none before its first call has made its parameters
        root = self.roots[id(module)] = Root(self.listed, module)
        self.listed += 1
        root.members = {id(member) for member in module.modules()}
        modes = [(name, member) for name, member in module.named_modules() if depends_on_mode(member)]
        root.modes = [weakref.ref(member) for _, member in modes]
        root.repeated = _repeated(module)
        parameters = list(module.parameters())
        inner = module.module if type(module).__name__ in WRAPPERS[:2] else module
        root.site = self.recorder.site(frame)
        self.recorder.row(
            "root",
            i=root.index,
            name=variable_name(module, frame),
            kind=type(inner).__name__,
            site=root.site,
            n=sum(parameter.numel() for parameter in parameters),
            tr=sum(parameter.numel() for parameter in parameters if parameter.requires_grad),
            dn=[_bare(name) for name, _ in modes[:64]],
            comp=compiled or type(module).__name__ == "OptimizedModule",
            wrap=type(module).__name__ if inner is not module else "",
        )
        self.hold_all(root, module)
        if any(parameter.requires_grad for parameter in parameters):
            self.recorder.timed(self._at_first, root, parameters)
            self.recorder.timed(self.recorder.tables.begin, root, module)
            if any(not parameter.requires_grad for parameter in parameters):
                self.recorder.timed(self._frozen, root, module)
        return root

    def _frozen(self, root: Root, module: nn.Module) -> None:
        """Layers of a model that is trained in part, frozen with the very values that torch draws for a new layer."""
        layers: list[tuple[str, int, int]] = []
        checks: list[torch.Tensor] = []
        for path, member in module.named_modules():
            weight: Any = member.weight if type(member) in INITIALISED else None
            if not plain(weight) or weight.requires_grad or not weight.is_floating_point():
                continue
            if weight.numel() < LEAST_DRAWN or len(layers) >= FROZEN_LIMIT:
                continue
            if checks and checks[0].device != weight.device:
                continue
            # Uniform up to the bound: nothing beyond, something close to it, and the variance of such a draw.
            values = thin(weight).float() * math.sqrt(weight[0].numel())
            largest, square = values.abs().max(), values.square().mean()
            layers.append((_bare(path), weight.shape[0], weight[0].numel()))
            checks.append(((largest <= 1.001) & (largest > 0.9) & ((square - 1 / 3).abs() < DRAWN_APART)).float())
        loaded = [held.loaded for held, tensor in self.recorder.parameters.live() if held.model == root.index]

        def write(values: list[float]) -> None:
            drawn = [layer for layer, one in zip(layers, values, strict=True) if one]
            if drawn:
                self.recorder.row("fz", m=root.index, n=drawn[-64:], ld=any(loaded))

        self.recorder.reader.read(checks, write)

    def _at_first(self, root: Root, parameters: list[nn.Parameter]) -> None:
        """What the weights are when a model is first called, for copies that are found later."""
        largest = max(parameters, key=lambda parameter: parameter.numel())
        if plain(largest) and largest.is_floating_point():
            step = self.recorder.step

            def write(values: list[float]) -> None:
                self.recorder.row("root", i=root.index, first=[step, _fingerprint(values)])

            self.recorder.reader.read(_sums(thin(largest, 1_024).float()), write)

    def hold_all(self, root: Root, module: nn.Module) -> None:
        """Give every parameter of a root its name; a larger root's name wins over that of a part called by itself."""
        size = sum(1 for _ in module.parameters())
        for path, member in module.named_modules():
            for key, parameter in member._parameters.items():
                if parameter is None:
                    continue
                known = self.recorder.parameters.held.get(id(parameter))
                if known is not None and known.ref() is parameter and known.model is not None:
                    other = next((r for r in self.roots.values() if r.index == known.model), None)
                    top = other.ref() if other is not None else None
                    if top is not None and sum(1 for _ in top.parameters()) >= size:
                        continue
                name = _bare(f"{path}.{key}" if path else key)
                self.recorder.parameters.hold(parameter, name, root.index, _bare(path), type(member).__name__)

    def list_new(self) -> None:
        """Name the parameters of layers that were put into a model since it was listed."""
        for root in self.roots.values():
            module = root.ref()
            if module is not None and any(
                self.recorder.parameters.find(parameter) is None for parameter in module.parameters()
            ):
                root.members = {id(member) for member in module.modules()}
                self.hold_all(root, module)

    def owner_test(self) -> Callable[[nn.Module], bool]:
        """Tells modules of the user's models, and those that hold a parameter that is followed, from copies of them."""
        tops = [top for root in self.roots.values() if (top := root.ref()) is not None]
        members = {id(module) for top in tops for module in top.modules()}

        def test(module: nn.Module) -> bool:
            return id(module) in members or any(
                self.recorder.parameters.find(one) for one in module._parameters.values() if one is not None
            )

        return test

    def loading(self, module: nn.Module, state: Any) -> None:
        """`load_state_dict` is about to be called: are the tensors it was given the module's own?"""
        if self.recorder.loads >= 8 or not hasattr(state, "get"):
            return
        own = [(state.get(name), tensor) for name, tensor in list(module.named_parameters())[:64]]
        held = [pair for pair in own if plain(pair[1]) and self.recorder.optimizers.holders(pair[1])]
        if held and all(plain(given) and given.data_ptr() == tensor.data_ptr() for given, tensor in held):
            self.recorder.loads += 1
            frame = caller(4)
            site = self.recorder.site(frame)
            self.recorder.row("alias", s=self.recorder.step, site=site, m=variable_name(module, frame))

    # -- modes

    def mode_changed(self, module: nn.Module, training: bool) -> None:
        """`.train()` or `.eval()` was called on `module` by the user."""
        root = self.roots.get(id(module))
        if self.recorder.inside:
            return
        if root is None or root.ref() is not module:
            if not training and not any(
                self.recorder.parameters.find(parameter) is not None for parameter in module.parameters()
            ):
                self.arm()  # a model that was not called yet, and is about to be evaluated
                self._await_evaluation()
            return
        if not training:
            root.explicit_eval = True
        self.recorder.row("mode", i=root.index, train=training, site=self.recorder.site(caller(3)))
        self.arm()

    def _await_evaluation(self) -> None:
        """There is a model in eval mode that was not called yet: look where gradients are switched off by the user."""
        if self.quiet or not self.allowed:
            return
        quiet, frame_of = self.recorder.guarded("modules", self._quiet), sys._getframe
        for owner in (torch.no_grad, torch.inference_mode):
            self.quiet.around(owner, "__enter__", lambda _args, _kwargs: quiet(frame_of(2)), None)

    def _quiet(self, frame: FrameType) -> None:
        """Gradients are switched off: an evaluation may begin."""
        step, code = self.recorder.step, frame.f_code
        if self.armed or self.recorder.inside:
            return
        inner = frame.f_locals.get("func") if code.co_name == "decorate_context" else None
        if in_torch(frame) if inner is None else str(getattr(inner, "__module__", "torch")).startswith("torch."):
            return
        if step != self.quiet_step:
            if self.quiet_step >= 0 and step < self.quiet_step + step // QUIET_SPACING:
                return
            self.quiet_step = step
        self.arm()

    def trained(self, walk_leaves: list[torch.Tensor]) -> None:
        """A sampled backward pass is about to run: count in which mode the models it trains are."""
        models = {held.model for leaf in walk_leaves if (held := self.recorder.parameters.find(leaf)) is not None}
        for root in self.roots.values():
            module = root.ref()
            if root.index not in models or module is None or not root.modes:
                continue
            step = self.recorder.step
            if module.training:
                # A pass in eval mode before it, in the same step, was for something else: an attack on the input.
                if root.eval_step == step:
                    root.eval_then_trained, root.eval_from_start = root.before_eval
                root.trained += 1
                root.trained_step = step
            elif step not in (root.trained_step, root.eval_step):
                root.eval_step, root.before_eval = step, (root.eval_then_trained, root.eval_from_start)
                if root.trained and root.explicit_eval:
                    root.eval_then_trained += 1
                else:
                    root.eval_from_start += 1

    def settle(self, everything: bool = False) -> None:
        """Classify the calls that are two steps old: a gradient has passed through their output, or never will."""
        keep: list[Call] = []
        for call in self.calls:
            if not everything and call.grad and not call.used and self.recorder.step < call.step + 2:
                keep.append(call)
                continue
            root, counts = call.root, call.root.counts
            if call.outputs:
                root.outputs_seen += 1
                for place in call.outputs:
                    root.outputs_used[place] += 1
            if call.used:
                counts["tb" if call.training else "eb"] += 1
            elif not call.grad:
                counts["tg" if call.training else "en"] += 1
                if call.training:
                    counts["tn"] += 1
                    root.sites["tn"].add(call.site)
            else:
                counts["tn" if call.training else "eg"] += 1
                root.sites["tn" if call.training else "eg"].add(call.site)
        self.calls = keep

    def write_counts(self) -> None:
        for root in self.roots.values():
            state = (
                tuple(root.counts.values()),
                root.eval_then_trained,
                root.eval_from_start,
                root.own_mode,
                root.asked_again,
                root.outputs_seen,
            )
            if any(state[0]) and state != getattr(root, "sent", None):
                root.sent = state  # type: ignore[attr-defined]
                self.recorder.row(
                    "fw",
                    i=root.index,
                    **root.counts,
                    sn=sorted(root.sites["tn"])[:8],
                    sg=sorted(root.sites["eg"])[:8],
                    et=root.eval_then_trained,
                    es=root.eval_from_start,
                    own=root.own_mode,
                    ag=root.asked_again,
                    os=root.outputs_seen,
                    ou=root.outputs_used,
                    osz=root.output_shapes,
                )


def _sums(values: torch.Tensor) -> list[torch.Tensor]:
    ramp = torch.arange(1, values.numel() + 1, dtype=torch.float32, device=values.device)
    return [values.sum(), (values * ramp).sum()]


def _statistics(module: nn.Module) -> list[torch.Tensor]:
    """Sums over the means and variances that batch norm keeps for evaluation; none without such layers."""
    layers = [one for one in module.modules() if isinstance(getattr(one, "running_var", None), torch.Tensor)]
    if not layers:
        return []
    return [
        torch.stack([getattr(layer, name).float().sum() for layer in layers]).sum()
        for name in ("running_mean", "running_var")
    ]


def _fingerprint(sums: list[float]) -> str:
    return f"{sums[0]:.9g}:{sums[1]:.9g}"


def depends_on_mode(module: nn.Module) -> bool:
    """Its output (or its statistics) differ between train and eval mode."""
    if isinstance(module, nn.modules.dropout._DropoutNd):
        return module.p > 0
    if isinstance(module, (nn.modules.batchnorm._BatchNorm, nn.modules.instancenorm._InstanceNorm)):
        return bool(module.track_running_stats)
    # Not by `getattr`: a class of one's own may answer to every name, with a warning (the models of diffusers do).
    dropout = vars(module).get("dropout", vars(type(module)).get("dropout"))
    return isinstance(dropout, float) and dropout > 0


def _repeated(module: nn.Module) -> dict[int, tuple[str, str, int]]:
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
                found[id(child)] = (_bare(path), type(child).__name__, times)
    return found


def variable_name(module: nn.Module, frame: FrameType | None) -> str:
    """The variable (or attribute of `self`) that holds the module where it is called, else its class name."""
    if frame is not None:
        for scope in (frame.f_locals, frame.f_globals):
            for name, value in list(scope.items()):
                if value is module and not name.startswith("_") and name != "self":
                    return name
        owner = frame.f_locals.get("self")
        for name, value in list(getattr(owner, "__dict__", {}).items()) + list(getattr(owner, "_modules", {}).items()):
            if value is module:
                return f"self.{name}"
    return type(module).__name__


def _bare(name: str) -> str:
    return name.replace("_orig_mod.", "").removeprefix("module.").removesuffix("._orig_mod")


def _updates_statistics() -> bool:
    """The call recomputes batch-norm statistics in train mode on purpose (`torch.optim.swa_utils.update_bn`)."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if frame.f_code.co_name == "update_bn":
            return True
        frame = frame.f_back
    return False
