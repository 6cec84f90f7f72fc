"""Watches models: which modules are roots, what they hold, what they are given, in which mode they are called.

Module calls are seen by standing in for `nn.Module.__call__`, and only while that is armed: during sampled steps, and
for the first calls after a loader starts over or a model changes mode. At all other times the original is in place.
"""

from __future__ import annotations

import sys
import threading
import weakref
from collections.abc import Callable
from types import FrameType
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from torchward.runtime.tensors import caller, number, plain, tensors_in, thin
from torchward.runtime.wrap import disguise

if TYPE_CHECKING:
    from torchward.runtime.recorder import Recorder

ROOT_LIMIT = 64
PARAMETER_LIMIT = 5_000
MODULE_LIMIT = 512
CALLS_PER_ARMING = 64
"""Root calls after which the stand-in is taken out again, should no step end it sooner."""
DETAILED_CALLS = 3
"""Root calls per sampled step whose inner calls are looked at."""

NORM_SAMPLES = 12
"""Samples in which the batch sizes that reach batch norm are written down."""

NORMALISATION = ("BatchNorm", "LayerNorm", "GroupNorm", "InstanceNorm", "RMSNorm")
WRAPPERS = ("DistributedDataParallel", "DataParallel", "OptimizedModule")


class Call:
    """One call of a root: was its output used for gradients?"""

    __slots__ = ("grad", "root", "site", "step", "training", "used")

    def __init__(self, root: Root, training: bool, grad: bool, step: int, site: int) -> None:
        self.root, self.training, self.grad, self.step, self.site = root, training, grad, step, site
        self.used = False

    def mark(self, _gradients: Any) -> None:
        self.used = True


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


class Held:
    """A parameter that is known by name."""

    __slots__ = ("called", "hidden", "index", "kind", "loaded", "model", "module", "name", "ref", "sent")

    def __init__(self, index: int, tensor: torch.Tensor, name: str, model: int | None, module: str, kind: str) -> None:
        self.index, self.name, self.model, self.module, self.kind = index, name, model, module, kind
        self.ref = weakref.ref(tensor)
        self.hidden = ""
        self.loaded = False
        self.called = False
        self.sent: Any = None


class Models:
    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.roots: dict[int, Root] = {}
        self.held: dict[int, Held] = {}
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
        self.entered: set[int] = set()
        """Identities of the modules called in the first training call of each root."""
        self.capture: Callable[[Root, nn.Module, tuple[Any, ...], dict[str, Any], Any], None] | None = None
        self.original = nn.Module.__call__
        self.stand_in = self._make_stand_in()
        self.loaded: weakref.WeakSet[nn.Module] = weakref.WeakSet()

    # -- the stand-in

    def _make_stand_in(self) -> Any:
        original, enter, leave, fail = (
            self.original,
            self.recorder.guarded("modules", self._enter),
            self.recorder.guarded("modules", self._leave),
            self._failed,
        )

        def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
            token = enter(self)
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
        """Put the stand-in in place."""
        if self.armed or not self.allowed or nn.Module.__call__ is not self.original:
            return
        self.armed = True
        self.depth = self.root_calls = 0
        nn.Module.__call__ = self.stand_in  # type: ignore[method-assign]

    def disarm(self) -> None:
        """Put the original back, unless somebody has put something else on top."""
        if self.armed and nn.Module.__call__ is self.stand_in:
            nn.Module.__call__ = self.original  # type: ignore[method-assign]
        self.armed = False

    def forbid(self, why: str) -> None:
        """Never arm again."""
        self.disarm()
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
            self.current = None
            self.detailed = False
            self.first_given = None
            self.first_left = False
            if next(module.parameters(), None) is not None:
                self.root_calls += 1
                self.current = self.root(module, caller(2))
                self.detailed = self.recorder.sampling and self.root_calls <= DETAILED_CALLS
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
        elif self.detailed and len(self.seen_modules) < MODULE_LIMIT:
            self._inner_call(root, module, args, result)

    def _root_call(self, root: Root, module: nn.Module, args: Any, kwargs: Any, result: Any, grad: bool) -> None:
        recorder = self.recorder
        recorder.event("forward", root.index)
        outputs = [tensor for tensor in tensors_in(result) if tensor.grad_fn is not None][:8]
        frame = caller(4)
        call = Call(root, module.training, bool(outputs) and grad, recorder.step, recorder.site(frame))
        if call.grad:
            for tensor in outputs:
                tensor.grad_fn.register_prehook(call.mark)  # type: ignore[union-attr]
        if len(self.calls) < 256 and not _updates_statistics():
            self.calls.append(call)
        if recorder.sampling:
            self._called(module)
        if not recorder.sampling or not call.grad:
            return
        if module.training:
            own = sum(1 for ref in root.modes if (mode := ref()) is not None and not mode.training)
            root.own_mode = max(root.own_mode, own)
        if self.capture is not None:
            self.capture(root, module, args, kwargs, result)
        self._input(root, module, args, kwargs, call.site)

    def _inner_call(self, root: Root, module: nn.Module, args: Any, result: Any) -> None:
        key = id(module)
        if not self.first_left and next(module.parameters(recurse=False), None) is not None:
            self.first_left = True
            self.first_given = next((t for t in tensors_in(args) if plain(t) and t.is_floating_point()), None)
        self._called(module)
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

    def _called(self, module: nn.Module) -> None:
        if module not in self.called:
            self.called.add(module)
            for parameter in module._parameters.values():
                held = self.find(parameter) if parameter is not None else None
                if held is not None:
                    held.called = True

    def _unregistered(self, root: Root, module: nn.Module) -> None:
        top = root.ref()
        if top is not None:
            root.members = {id(member) for member in top.modules()}
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
            found = self.hold(parameter, f"{name}.{key}", None, name, kind)
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
                "module", i=index, name=_bare(name), kind=type(module).__name__, model=root.index, reg=True, n=0
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
        )
        self.hold_all(root, module)
        return root

    def hold_all(self, root: Root, module: nn.Module) -> None:
        """Give every parameter of a root its name; a larger root's name wins over that of a part called by itself."""
        size = sum(1 for _ in module.parameters())
        for path, member in module.named_modules():
            for key, parameter in member._parameters.items():
                if parameter is None:
                    continue
                known = self.held.get(id(parameter))
                if known is not None and known.ref() is parameter and known.model is not None:
                    other = next((r for r in self.roots.values() if r.index == known.model), None)
                    top = other.ref() if other is not None else None
                    if top is not None and sum(1 for _ in top.parameters()) >= size:
                        continue
                name = _bare(f"{path}.{key}" if path else key)
                self.hold(parameter, name, root.index, _bare(path), type(member).__name__)

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
        state = (held.name, tensor.requires_grad, held.loaded, holders, held.hidden, held.called)
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
            called=held.called,
            opt=holders,
            hid=held.hidden,
            leaf=tensor.is_leaf,
        )

    def live(self) -> list[tuple[Held, torch.Tensor]]:
        """Parameters that still exist."""
        return [(held, tensor) for held in self.held.values() if (tensor := held.ref()) is not None]

    # -- modes

    def mode_changed(self, module: nn.Module, training: bool) -> None:
        """`.train()` or `.eval()` was called on `module` by the user."""
        root = self.roots.get(id(module))
        if root is None or root.ref() is not module or self.recorder.inside:
            return
        if not training:
            root.explicit_eval = True
        self.recorder.row("mode", i=root.index, train=training, site=self.recorder.site(caller(3)))
        self.arm()

    def trained(self, walk_leaves: list[torch.Tensor]) -> None:
        """A sampled backward pass is about to run: count in which mode the models it trains are."""
        models = {held.model for leaf in walk_leaves if (held := self.find(leaf)) is not None}
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
            state = (tuple(root.counts.values()), root.eval_then_trained, root.eval_from_start, root.own_mode)
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
                )

    # -- inputs

    def _input(self, root: Root, module: nn.Module, args: Any, kwargs: Any, site: int) -> None:
        given = [tensor for tensor in (*tensors_in(args), *tensors_in(kwargs)) if plain(tensor)]
        if not given or root.inputs >= 4_096:
            return
        root.inputs += 1
        first = given[0]
        few = thin(first).to(torch.float32)
        ramp = torch.arange(1, few.numel() + 1, dtype=torch.float32, device=few.device)
        scalars = [few.sum(), (few * ramp).sum(), few.square().sum()]
        measured = next((tensor for tensor in given if tensor.is_floating_point()), None)
        names = []
        if measured is not None and measured.device == first.device:
            many = thin(measured, 65_536).to(torch.float32)
            finite = torch.where(torch.isfinite(many), many, torch.zeros_like(many))
            names = ["mean", "std", "lo", "hi", "nf"]
            broken = (~torch.isfinite(measured.detach())).sum().float()
            scalars += [finite.mean(), finite.std(unbiased=False), finite.min(), finite.max(), broken]
            layer = self.first_given
            if layer is None and not self.first_left and type(module).__module__.startswith("torch."):
                layer = measured  # the model is one layer
            if self.detailed and layer is not None and layer.device == first.device:
                names.append("rms")
                scalars.append(thin(layer, 65_536).float().square().mean().sqrt())
        last, root.last_input = root.last_input, weakref.ref(given[0])
        loader = self.recorder.loaders.feeding()
        base = first._base
        row: dict[str, Any] = {
            "m": root.index,
            "s": self.recorder.step,
            "win": base is not None and base.numel() > first.numel() and base.dim() > 0,
            "share": round(first.numel() / base.numel(), 4) if base is not None and base.numel() else None,
            "new": last is not None and last() is not given[0],
            "ld": loader,
            "site": site,
        }
        if measured is not None:
            row |= {"shape": list(measured.shape), "dt": str(measured.dtype).removeprefix("torch.")}

        def write(values: list[float]) -> None:
            row["fp"] = f"{values[0]:.9g}:{values[1]:.9g}:{values[2]:.9g}"
            self.recorder.row("in", **row, **dict(zip(names, map(number, values[3:]), strict=False)))

        self.recorder.reader.read(scalars, write)


def depends_on_mode(module: nn.Module) -> bool:
    """Its output (or its statistics) differ between train and eval mode."""
    if isinstance(module, nn.modules.dropout._DropoutNd):
        return module.p > 0
    if isinstance(module, (nn.modules.batchnorm._BatchNorm, nn.modules.instancenorm._InstanceNorm)):
        return bool(module.track_running_stats)
    dropout = getattr(module, "dropout", None)
    return isinstance(dropout, float) and dropout > 0


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
