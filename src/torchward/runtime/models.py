"""Watches models: which modules are roots, what they hold, what they are given, in which mode they are called.

Module calls are seen by standing in for `nn.Module.__call__`, and only while that is armed: during sampled steps, and
for the first calls after a loader starts over or a model changes mode. At all other times the original is in place.
"""

from __future__ import annotations

import sys
import threading
import weakref
from collections.abc import Callable
from time import thread_time
from types import FrameType
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from torchward.runtime import frozen, prompts
from torchward.runtime.calls import Call, Usage, depends_on_mode
from torchward.runtime.layers import repeated_layers
from torchward.runtime.names import unwrapped, variable_name
from torchward.runtime.quiet import Quiet
from torchward.runtime.tables import KINDS as TABLES
from torchward.runtime.tensors import caller, plain, tensors_in
from torchward.runtime.wrap import Patches, disguise, innermost

if TYPE_CHECKING:
    from torchward.runtime.prompts import Alone, Separators, Untaught
    from torchward.runtime.recorder import Recorder

ROOT_LIMIT = 64
tracing: Callable[[], bool] = torch._C._is_tracing
ASKED = object()
"""Stands for such a call in a rollout that is gathered."""
CALLS_PER_ARMING = 16
"""Root calls after which, in a sampled step, those without gradients are passed on as they are, as the many by which an
agent acts between two steps. Else, and after as many with gradients, the stand-in is taken out again."""
FOLLOWED = object()
"""What a call is known by of which nothing is looked at but the place that it has in a sweep over times."""
DETAILED_CALLS = 3
"""Root calls per sampled step, and those of them with gradients, whose inner calls are looked at."""
SWITCHES_LIMIT = 512
"""Modules of a model above which attributes of theirs are not looked through."""
OUTPUT_LIMIT = 8
"""Tensors that a model returns, of which it is followed what becomes of them."""
WRAPPERS = ("DistributedDataParallel", "DataParallel", "OptimizedModule")


class Root:
    def __init__(self, index: int, module: nn.Module) -> None:
        self.index = index
        self.site = -1
        self.switched: list[str] = []
        self.ref = weakref.ref(module)
        self.members: set[int] = set()
        self.usage = Usage()
        self.norm_first: bool | None = None
        self.inputs = 0
        self.last_input: weakref.ref[torch.Tensor] | None = None
        self.copy_at = 0
        """The step from which on it is next looked at as the copy of a trained model."""
        self.repeated: dict[int, tuple[str, str, int]] = {}
        """Layers that stand several times in one list -> (path of the list, class, times)."""
        self.placed = 0
        """Calls of layers of which it was seen where they are made."""
        self.twins: dict[tuple[int, int], tuple[str, str, str]] = {}
        """(path, path, class) of layers that were called at two places, and of such ones beside them that were not."""
        self.time_first: tuple[str, str] | None = None
        """(path, class) of a recurrent layer that takes the first axis of the model's input for time, where the second
        one is as long."""
        self.asked_sizes: dict[int, int] = {}
        """Rows of what it was given -> how often."""
        self.carried: dict[int, tuple[int, int, int, set[int]]] = {}
        """Recurrent layers called: which root call, how often in it, how often with its own state cut off, and where
        its last outputs lie."""
        self.carried_written = 0
        self.rewards: list[float] = []
        """Those that were found several times in a batch of what it learns the values of."""
        self.waiting: list[Separators | Alone | Untaught] = []
        """What is to be seen yet in calls without gradients, of rows of ids."""
        self.judges_made = False
        """It was given what another model made."""
        self.repeats: tuple[int, int, int] = (-1, 0, 0)
        """Which root call, how many calls of such a layer in it, and where the last input of one lies."""

    def waits_for(self, one: Separators | Alone | Untaught | None) -> None:
        if one is not None and one.known:
            self.waiting.append(one)


class Models:
    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.roots: dict[int, Root] = {}
        self.listed = 0
        self.depth = 0
        self.thread = threading.get_ident()
        self.armed = False
        self.allowed = True
        """False once anything is compiled: a stand-in would make the compiler trace torchward."""
        self.root_calls = self.graded_calls = 0
        self.current: Root | None = None
        self.detailed = False
        self.capture: Callable[[Root, nn.Module, tuple[Any, ...], dict[str, Any], Any], None] | None = None
        self.original = nn.Module.__call__
        self.stand_in = self._make_stand_in()
        self.guarded_enter, self.guarded_leave = (
            recorder.guarded("modules", one) for one in (self._enter, self._leave)
        )
        self.quiet = Quiet(recorder)
        self.direct = Patches()
        """Methods `forward` that the program calls by themselves, where it could call the module."""

    # -- the stand-in

    def _make_stand_in(self) -> Any:
        models, original, enter, leave, fail = (
            self,
            self.original,
            self.recorder.guarded("modules", self._enter),
            self.recorder.guarded("modules", self._leave),
            self._failed,
        )
        compiling = torch.compiler.is_compiling

        def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
            if compiling():  # for an export, or a compiled part of it
                return original(self, *args, **kwargs)
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
        self.quiet.await_evaluation()
        self.root_calls = self.graded_calls = 0
        if self.armed or not self.allowed or nn.Module.__call__ is not self.original:
            return
        self.armed = True
        self.depth = 0
        nn.Module.__call__ = self.stand_in  # type: ignore[method-assign]
        self.recorder.scores.arm()

    @property
    def sees_all(self) -> bool:
        """No call in this sampled step was missed."""
        return self.armed and (self.root_calls <= CALLS_PER_ARMING or self.recorder.environments.rollouts.gathering)

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
        self.direct.undo()
        if self.allowed:
            self.allowed = False
            self.recorder.row("blind", area="modules", why=why)

    def _failed(self, token: Any) -> None:
        if token is not None:
            self.depth -= 1

    def _enter(self, module: nn.Module) -> Any:
        if not self.armed or self.recorder.inside or threading.get_ident() != self.thread or tracing():
            return None  # what is done to tensors while `torch.jit.trace` looks on becomes part of the program
        graded = torch.is_grad_enabled()
        if self.root_calls > CALLS_PER_ARMING and not self.depth and not graded:
            anchored = self.recorder.sampling and self.recorder.scores.anchors.follows(module)
            if anchored or self.recorder.sweeps.follows(module):
                self.depth, self.detailed = 1, False
                return FOLLOWED
            if not self.recorder.sampling:
                self.disarm()
            if not self.recorder.environments.rollouts.gathering:
                return None
            self.current, self.detailed = None, False
            self.depth += 1
            return ASKED
        self.depth += 1
        if self.depth == 1:
            self.current = None
            self.detailed = False
            self.recorder.layers.begin_call()
            self.recorder.recurrent.in_time = None
            self.recorder.tables.looked.clear()
            direct = id(module) not in self.roots and self._called_in_forward(module, sys._getframe(3))
            if not direct and next(module.parameters(), None) is not None:
                if self.recorder.exchanges.under_way and module.training and graded:
                    self.recorder.exchanges.close()  # the wrapper may send buffers round in this call
                self.root_calls += 1
                self.graded_calls += graded
                self.current = self.root(module, caller(2))
                calls = min(self.root_calls, self.graded_calls) if graded else self.root_calls
                self.detailed = self.recorder.sampling and calls <= DETAILED_CALLS
                if not self.detailed and self.current is not None:
                    self.detailed = self.recorder.tables.curious(self.current)
                if self.graded_calls > CALLS_PER_ARMING:
                    self.disarm()
        return True

    def _called_in_forward(self, module: nn.Module, frame: FrameType) -> bool:
        """A part of a model is called by the `forward` of that model, which nobody called as a module: it is seen from
        the next time on."""
        code = frame.f_code
        whole = frame.f_locals.get(code.co_varnames[0]) if code.co_name == "forward" and code.co_argcount else None
        if not isinstance(whole, nn.Module) or whole is module or not any(one is module for one in whole.modules()):
            return False
        global _watched
        _watched = self
        for owner in type(whole).__mro__:
            method = vars(owner).get("forward")
            if getattr(innermost(method), "__code__", None) is code:
                if method is innermost(method):
                    self.direct.replace(owner, "forward", _seen_directly(method))
                return True
        return False

    def _leave(self, token: Any, module: nn.Module, args: Any, kwargs: Any, result: Any) -> None:
        self.depth -= 1
        if token is FOLLOWED:
            self.recorder.timed(self.recorder.sweeps.asked, module, args, kwargs, result)
            if self.recorder.sampling:
                self.recorder.timed(self.recorder.scores.anchors.called, module, args, kwargs, result, False)
            return
        root = self.current
        if token is ASKED:
            self._asked(module, args, kwargs, result)
        if root is None:
            return
        if self.depth == 0:
            self.recorder.timed(self._root_call, root, module, args, kwargs, result, torch.is_grad_enabled())
            self.recorder.layers.end_call()
        elif self.detailed:
            if isinstance(module, TABLES):
                self.recorder.tables.looked_up(root, module, args)
            if self.recorder.sampling:
                self.recorder.layers.called(root, module, args, result)

    def _root_call(self, root: Root, module: nn.Module, args: Any, kwargs: Any, result: Any, grad: bool) -> None:
        recorder = self.recorder
        recorder.event("forward", root.index)
        asked = None if grad else next(tensors_in((args, kwargs), 4), None)
        recorder.scores.returned(root.index, result, asked)
        if root.carried:
            recorder.recurrent.write(root)
        returned = list(tensors_in(result))[:OUTPUT_LIMIT]
        outputs = [(place, tensor) for place, tensor in enumerate(returned) if tensor.grad_fn is not None]
        frame = caller(4)
        call = Call(root.usage, module.training, bool(outputs) and grad, recorder.step, recorder.site(frame))
        recorder.calls.returned(root, returned, outputs, call)
        if recorder.sampling or not call.grad:
            recorder.givens.called(args, kwargs, returned)
        if call.grad:
            if recorder.sampling:
                recorder.losses.returned(root.index, outputs)
                recorder.givens.horizons.called(args, kwargs)
                recorder.forged.called(root, args, kwargs, outputs)
        else:
            recorder.spreads.returned(root.index, returned)
            recorder.heldout.asked(root, args, kwargs, call.site)
            if recorder.heldout.folds.splits:
                recorder.heldout.folds.asked(root, module, args, kwargs, call.site)
            recorder.checkpoints.evaluated(root, module)
            recorder.checkpoints.averages.asked(root, module, call.site)
            recorder.optimizers.idle.evaluated(root, module)
            recorder.begins.asked(root, args, kwargs, call.site)
            recorder.sweeps.asked(module, args, kwargs, result)
            if root.waiting:
                self._asked_texts(root, module, args, kwargs)
            recorder.exchanges.evaluates(root, args, kwargs, call.site)
            if module.training:
                recorder.calls.asked(root, args, kwargs)
        if root.index in recorder.tables.known and (self.detailed or not grad):
            training = call.grad and recorder.sampling
            recorder.tables.called(root, args, kwargs, result, training, call.site)
        self._sizes(root, args, kwargs)
        if recorder.sampling:
            recorder.scores.anchors.called(module, args, kwargs, result, call.grad)
            recorder.layers.note(module)
            recorder.inputs.returned(root, returned, next(tensors_in((args, kwargs), 4), None))
            recorder.forged.returned(root, returned)
            recorder.environments.rollouts.actions.answered(root.index, returned)
            if grad:
                recorder.environments.rollouts.trains(args, kwargs)
            else:
                recorder.environments.rollouts.asked(module, args, kwargs, returned)
        if recorder.step >= root.copy_at:
            recorder.shadows.called(root, module, call.site)
        if not recorder.sampling or not call.grad:
            return
        if self.capture is not None:
            self.capture(root, module, args, kwargs, result)
        recorder.recurrent.model_called(root, module, args)
        recorder.heldout.trained_on(root, args, kwargs)
        recorder.begins.trained_on(root, args, kwargs)
        recorder.mirrors.called(args, kwargs)
        recorder.orientations.called(args, kwargs, returned)
        # Without any call of a part of it, a module of torch's is the one layer that the model is.
        alone = self.detailed and not recorder.layers.first_left and type(module).__module__.startswith("torch.")
        layer = recorder.layers.first_given if self.detailed else None
        recorder.inputs.saw(root, module, args, kwargs, result, call.site, layer, alone)

    def _asked(self, module: nn.Module, args: Any, kwargs: Any, result: Any) -> None:
        """One of the many calls by which an agent acts between two steps. Gradients are switched off already."""
        start = thread_time()
        returned = list(tensors_in(result))[:OUTPUT_LIMIT]
        self.recorder.environments.rollouts.asked(module, args, kwargs, returned)
        root = self.roots.get(id(module))
        if root is not None and root.ref() is module:
            self.recorder.environments.rollouts.actions.answered(root.index, returned)
        self.recorder.own_seconds += thread_time() - start

    def _asked_texts(self, root: Root, module: nn.Module, args: Any, kwargs: Any) -> None:
        """Texts that a model is given without gradients: do they begin or end as those that it is trained on?"""
        given = next((tensor for tensor in (*tensors_in(args), *tensors_in(kwargs)) if plain(tensor)), None)
        if given is None or given.dim() != 2 or given.is_floating_point() or not given.is_cpu:
            return
        for one in root.waiting:
            found = one.asked(given.detach()[: prompts.ROWS_OF_CALL])
            if found is not None:
                head = {"kind": one.probe, "model": type(module).__name__, "site": root.site, "looked": True}
                self.recorder.row("probe", **head, reason="", seconds=0.0, **found)
        root.waiting = [one for one in root.waiting if one.known]

    def _sizes(self, root: Root, args: Any, kwargs: Any) -> None:
        """A call, also one with gradients of which no use is made: for how many examples?"""
        given = next(iter((*tensors_in(args), *tensors_in(kwargs))), None)
        if given is not None:
            rows = given.shape[0] if given.dim() > 1 else 1
            if rows in root.asked_sizes or len(root.asked_sizes) < 64:
                root.asked_sizes[rows] = root.asked_sizes.get(rows, 0) + 1

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
        root.usage.modes = [weakref.ref(member) for _, member in modes]
        root.repeated = repeated_layers(module)
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
            dn=[unwrapped(name) for name, _ in modes[:64]],
            comp=compiled or type(module).__name__ == "OptimizedModule",
            wrap=type(module).__name__ if inner is not module else "",
            sh=self.sharing(parameters),
        )
        self.hold_all(root, module)
        self.recorder.timed(self.recorder.ties.look, root, module)
        if any(parameter.requires_grad for parameter in parameters):
            self.recorder.timed(self.recorder.shadows.begin, root, parameters)
            self.recorder.timed(self.recorder.tables.begin, root, module)
            self.recorder.timed(self.recorder.unsaved.begin, root, module)
            self.recorder.timed(self.recorder.overwritten.look, root, module)
            if any(not parameter.requires_grad for parameter in parameters):
                self.recorder.timed(frozen.look, self.recorder, root, module)
        return root

    def sharing(self, parameters: list[nn.Parameter]) -> list[int]:
        """Roots known before that hold some of these parameters, too."""
        known = map(self.recorder.parameters.find, parameters)
        return sorted({held.model for held in known if held is not None and held.model is not None})

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
                name = unwrapped(f"{path}.{key}" if path else key)
                self.recorder.parameters.hold(parameter, name, root.index, unwrapped(path), type(member).__name__)

    def write_counts(self) -> None:
        """Attributes by which somebody means to have frozen a part, whenever they were set."""
        for root in self.roots.values():
            module = root.ref()
            switched = frozen.switched_off(module) if module is not None and len(root.members) <= SWITCHES_LIMIT else []
            if switched and switched != root.switched:
                root.switched = switched
                self.recorder.row("root", i=root.index, sw=switched[:16])

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
            return
        if not training:
            root.usage.explicit_eval = True
        self.recorder.row("mode", i=root.index, train=training, site=self.recorder.site(caller(3)))
        self.arm()


_watched: Models | None = None
"""Those of this process. What stands for a method `forward` of the program's holds nothing of the recorder, for its
class may be sent to another process by value, with its methods."""


def _enters(module: nn.Module) -> Any:
    models = _watched
    return models.guarded_enter(module) if models is not None and models.armed and not models.depth else None


def _leaves(token: Any, module: nn.Module, args: Any, kwargs: Any, result: Any) -> None:
    if token is not None and _watched is not None:
        _watched.guarded_leave(token, module, args, kwargs, result)


def _fails(token: Any) -> None:
    if _watched is not None:
        _watched._failed(token)


def _seen_directly(original: Any) -> Any:
    """`forward`, where the program calls it by itself."""
    compiling, enters, leaves, fails = torch.compiler.is_compiling, _enters, _leaves, _fails

    def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
        if compiling():
            return original(self, *args, **kwargs)
        token = enters(self)
        try:
            result = original(self, *args, **kwargs)
        except BaseException as error:
            error.__traceback__ = error.__traceback__.tb_next  # type: ignore[union-attr]
            fails(token)
            raise
        leaves(token, self, args, kwargs, result)
        return result

    return disguise(wrapper, original)
