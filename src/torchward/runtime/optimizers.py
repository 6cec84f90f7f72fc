"""Watches optimizers: which there are, what they hold, when they step, and which of them leads the training."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import torch

from torchward.runtime.clips import Clips
from torchward.runtime.gradients import Gradients
from torchward.runtime.idle import Idle
from torchward.runtime.schedulers import Schedulers
from torchward.runtime.steps import Step
from torchward.runtime.subnormals import Subnormals
from torchward.runtime.tensors import caller, number, plain, setting
from torchward.runtime.wrap import around

if TYPE_CHECKING:
    from types import FrameType

    from torchward.runtime.parameters import Held
    from torchward.runtime.recorder import Recorder

OPTIMIZER_LIMIT = 256
RECENT_STEPS = 10
"""Steps after which an optimizer that has not stepped again belongs to an earlier stage."""
RESTING = 100
"""... from which on what it holds may be trained by another one, or by none."""
SCALES_LIMIT = 512
"""Scales of a `GradScaler` that are written down: while every step is skipped, the first sample never ends."""
SPREAD_SAMPLES = 12
"""Samples in which the rows of weights are compared with each other."""


class HotOpt:
    """What every step touches, side by side in memory."""

    __slots__ = ("identity", "seen_backwards", "steps")


class Opt(HotOpt):
    """State of one optimizer; counters are plain integers that every step updates."""

    def __init__(self, recorder: Recorder, optimizer: torch.optim.Optimizer) -> None:
        self.index = recorder.next_index("optimizer")
        self.ref = weakref.ref(optimizer, self._gone)
        self.identity = id(optimizer)
        """0 once the optimizer is gone."""
        self.steps = 0
        self.idle = 0
        self.most = 0
        self.seen_backwards = self.seen_steps = 0
        self.since_leader = 0
        self.first_step: int | None = None
        self.last_step = 0
        self.sent: Any = None
        self.described: Any = None
        self.made = self.site = -1
        self.gradients = Gradients(recorder)
        self.step: Step | None = None
        """The one under way, if it is sampled."""
        self.scaled = False
        self.rates: list[float] = _rates(optimizer)
        """Of its groups, as it was made."""
        self.flat = self.rated = 0
        """Sampled steps, and those of them in which all groups had one rate."""
        self.given_out: tuple[list[dict[str, Any]], list[float]] = ([], [])
        """The groups of the last state dict, which is a copy, and the rates that stood in it."""
        self.scaler_calls = self.scales = 0
        self.closures = self.closures_idle = 0
        """Sampled steps with a closure; those in which it ran no backward pass."""
        self.closure_passes = self.closure_dirty = 0
        """Backward passes in a closure after its first; those that began on the gradient of the one before."""
        self.nested = False
        """It steps inside the step of another that wraps it, as last sampled: its own steps are not counted."""

    def _gone(self, _ref: Any) -> None:
        self.identity = 0


class Optimizers:
    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.known: dict[int, Opt] = {}
        self.leader: Opt | None = None
        self.current: torch.optim.Optimizer | None = None
        """The optimizer whose step is under way, in sampled cycles."""
        self.spread_samples = 0
        self.backwards_at_step = self.steps = 0
        """Backward passes when any optimizer last stepped; steps of all of them while there is more than one."""
        self.schedulers = Schedulers(recorder)
        self.clips = Clips(recorder)
        self.subnormals = Subnormals(recorder)
        self.idle = Idle(recorder)

    # -- membership

    def find(self, optimizer: Any) -> Opt | None:
        optimizer = _behind(optimizer)
        known = self.known.get(id(optimizer))
        return known if known is not None and known.ref() is optimizer else None

    def add(self, optimizer: torch.optim.Optimizer) -> Opt | None:
        optimizer = _behind(optimizer)
        known = self.find(optimizer)
        if known is not None:
            return known
        if id(optimizer) in self.known or len(self.known) >= OPTIMIZER_LIMIT:
            self.write_counts()
            self.known = {key: opt for key, opt in self.known.items() if opt.ref() is not None}
            if len(self.known) >= OPTIMIZER_LIMIT:
                return None
        self.not_alone()
        known = self.known[id(optimizer)] = Opt(self.recorder, optimizer)
        known.seen_backwards, known.seen_steps = self.backwards_at_step, self.steps
        return known

    def made(self, optimizer: Any) -> None:
        """An optimizer was made: also one that never steps is known by where."""
        opt = self.add(optimizer) if not self.recorder.inside else None
        if opt is not None:
            opt.made = self.recorder.site(caller(3))
            self.recorder.heldout.forget()

    def describe_new(self) -> None:
        """Before the first sampled backward pass of an optimizer: write what it holds, though it has not stepped."""
        for opt in list(self.known.values()):
            if opt.described is None and (optimizer := opt.ref()) is not None:
                self.describe(opt, optimizer)

    def maximising(self) -> bool:
        """One of them makes its loss larger, on purpose."""
        alive = [optimizer for opt in self.known.values() if (optimizer := opt.ref()) is not None]
        return any(group.get("maximize") for optimizer in alive for group in optimizer.param_groups)

    def holders(self, tensor: torch.Tensor) -> list[int]:
        """Numbers of the living optimizers that hold a tensor, as of their last description."""
        key = id(tensor)
        return [
            opt.index
            for opt in self.known.values()
            if opt.described is not None and key in opt.described[1] and opt.ref() is not None
        ]

    def at_rest(self, tensor: torch.Tensor) -> bool:
        """No optimizer that has stepped of late holds it: a stage of the training in which one did may be over."""
        key, latest = id(tensor), self.recorder.step - RESTING
        return not any(
            key in opt.described[1] and opt.ref() is not None and (not opt.steps or opt.last_step > latest)
            for opt in self.known.values()
            if opt.described is not None
        )

    def holds(self, tensors: Iterable[torch.Tensor]) -> bool:
        return any(self.holders(tensor) for tensor in tensors)

    def describe(
        self, opt: Opt, optimizer: torch.optim.Optimizer, frame: FrameType | None = None
    ) -> list[tuple[Held, torch.Tensor]]:
        """Write what an optimizer is and holds, if that changed; the parameters it holds that are followed."""
        parameters = self.recorder.parameters
        pairs: list[tuple[Held, torch.Tensor]] = []
        for group in optimizer.param_groups:
            for parameter in group["params"]:
                held = parameters.find(parameter)
                if held is None and isinstance(parameter, torch.Tensor):
                    position = len(pairs)
                    held = parameters.hold(parameter, f"optimizer[{opt.index}].param[{position}]", None, "", "")
                if held is not None:
                    pairs.append((held, parameter))
        group = optimizer.param_groups[0] if optimizer.param_groups else {}
        if frame is not None and opt.site < 0:
            opt.site = self.recorder.site(frame)
        state = (
            tuple(held.index for held, _ in pairs),
            frozenset(id(tensor) for _, tensor in pairs),
            max((setting(group.get("weight_decay")) for group in optimizer.param_groups), default=0.0),
            opt.site,
            _stray_rate(opt, optimizer),
            _empty_group(optimizer),
        )
        if opt.described is None:
            for held, tensor in parameters.live():
                held.frozen = held.frozen or not tensor.requires_grad
        if state != opt.described:
            opt.described = state
            momentum = group.get("betas", (group.get("momentum", 0.0),))
            self.recorder.row(
                "opt",
                i=opt.index,
                kind=type(optimizer).__name__,
                p=list(state[0]),
                wd=state[2],
                dec="AdamW" in type(optimizer).__name__ or bool(group.get("decoupled_weight_decay", False)),
                mom=setting(momentum[0] if isinstance(momentum, (tuple, list)) else momentum),
                site=opt.site,
                made=opt.made,
                stray=state[4],
                empty=state[5],
                eps=setting(group["eps"]) if "eps" in group else None,
                betas=[setting(beta) for beta in group.get("betas") or ()],
            )
        return pairs

    def gave_state(self, optimizer: Any, state: Any) -> None:
        """`state_dict` has returned."""
        opt = self.find(optimizer)
        groups = state.get("param_groups") if isinstance(state, dict) else None
        if opt is not None and isinstance(groups, list):
            opt.given_out = (groups, [setting(group.get("lr")) for group in groups])

    # -- a step

    def before_step(self, optimizer: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Called by torch before the steps of sampled cycles. It may return arguments whose closure is heard."""
        current = self.current
        opt = self.add(optimizer) if not self.recorder.inside else None
        if opt is None:
            return None
        opt.nested = current is not None and current is not optimizer and self.find(current) is not None
        if opt.nested:
            return None
        self.current = optimizer
        closure = kwargs.get("closure", args[1] if len(args) > 1 else None)
        step = self.recorder.timed(self._begin_step, opt, optimizer, closure is not None)
        if closure is None:
            self.recorder.timed(step.look_at_gradients)
        if not callable(closure):
            return None
        # Lightning's loop, and whoever else hands one over, computes the gradients of a step inside of it.
        ran = self.recorder.guarded("optimizer", self._closure_ran)
        heard = around(closure, None, lambda _token, _result, _args, _kwargs: ran(opt))
        if "closure" in kwargs:
            return args, {**kwargs, "closure": heard}
        return (args[0], heard, *args[2:]), kwargs

    def _closure_ran(self, opt: Opt) -> None:
        if opt.step is not None:
            opt.step.closure_ran()

    def _begin_step(self, opt: Opt, optimizer: torch.optim.Optimizer, closure: bool) -> Step:
        pairs = self.describe(opt, optimizer, caller(3))
        rates = _rates(optimizer)
        opt.rated += 1
        opt.flat += bool(rates) and len(rates) == len(opt.rates) and min(rates) == max(rates) > 0
        spread = self.spread_samples < SPREAD_SAMPLES
        step = opt.step = Step(self.recorder, opt, optimizer, pairs, closure, spread)
        if spread and opt is self.leader:
            self.spread_samples += 1
        return step

    def step_hook(self) -> Callable[[Any, tuple[Any, ...], dict[str, Any]], None]:
        """What torch calls after every step. Hot. Guards itself, for a guard around it costs as much as it does."""
        recorder, after = self.recorder, self._after_step

        def after_step(optimizer: Any, _args: tuple[Any, ...], _kwargs: dict[str, Any]) -> None:
            sole = recorder.sole
            if (
                sole is not None
                and sole.identity == id(optimizer)
                and recorder.step < recorder.next_look
                and recorder.backwards == sole.seen_backwards + 1
            ):
                sole.seen_backwards += 1
                sole.steps += 1
                recorder.step += 1
            else:
                after(optimizer)

        return after_step

    def _after_step(self, optimizer: Any) -> None:
        recorder = self.recorder
        backwards = recorder.backwards
        self.not_alone()
        if recorder.inside:
            return
        opt = self.known.get(id(optimizer))
        if opt is None or opt.ref() is not optimizer:
            opt = self.add(optimizer)
        if opt is None or opt.nested or "optimizer" in recorder.failed:
            return
        self.current = None
        if recorder.resumes.waiting:
            recorder.resumes.stepped(opt, optimizer)
        if recorder.heldout.folds.waiting:
            recorder.heldout.folds.stepped(optimizer)
        if opt.seen_backwards == backwards:
            opt.idle += 1
        opt.most = max(opt.most, backwards - self.backwards_at_step)
        opt.seen_backwards = self.backwards_at_step = backwards
        opt.steps += 1
        self.steps += 1
        opt.seen_steps = self.steps
        opt.last_step = recorder.step
        if opt is not self.leader or recorder.sampling:
            try:
                if not self._leads(recorder, opt, optimizer):
                    return
            except Exception as error:
                recorder.fail("optimizer", error)
                return
        elif len(self.known) > 1:
            for other in self.known.values():
                other.since_leader = 0
        if recorder.step < recorder.next_look:
            recorder.step += 1
        else:
            recorder.look()
            if len(self.known) == 1 and not recorder.sampling:
                recorder.sole = opt

    def not_alone(self) -> None:
        """Back from the short way of counting steps to the long one."""
        sole, self.recorder.sole = self.recorder.sole, None
        if sole is not None:
            sole.last_step = self.recorder.step - 1
            self.backwards_at_step = sole.seen_backwards

    def _leads(self, recorder: Recorder, opt: Opt, optimizer: Any) -> bool:
        """After a sampled step, or one of another optimizer than the leader: does it end a step of the training?"""
        if opt.first_step is None:
            opt.first_step = recorder.step
        if recorder.sampling:
            recorder.timed(self._end_step, opt, optimizer)
        leader = self.leader
        if leader is None or leader.ref() is None:
            self.leader = opt
            if leader is not None:
                recorder.begin_stage()
        elif opt is not leader:
            opt.since_leader += 1
            if opt.since_leader < 2:
                return False
            self.leader = opt
            recorder.begin_stage()
            return True
        for other in self.known.values():
            other.since_leader = 0
        return True

    def _end_step(self, opt: Opt, optimizer: torch.optim.Optimizer) -> None:
        step, opt.step = opt.step, None
        if step is not None:
            step.end(optimizer)

    def scale(self, opt: Opt, scale: Any) -> None:
        """A `GradScaler` is about to step an optimizer, with this scale."""
        recorder = self.recorder
        if not recorder.sampling or opt.scales >= SCALES_LIMIT or not plain(scale):
            return
        opt.scales += 1
        step = recorder.step

        def write(values: list[float]) -> None:
            recorder.row("gs", i=opt.index, s=step, v=number(values[0]))

        recorder.timed(recorder.reader.read, [scale], write)

    # -- gradients between steps

    def begin_cycle(self) -> None:
        """A sampled step begins."""
        self.current = None
        self.recorder.decays.begin(self.leader)
        self.recorder.checkpoints.averages.begin(self.leader)
        recorder = self.recorder
        for opt in self.known.values():
            # More passes since its own last step than other optimizers have made steps: gradients are gathered.
            passes, others = recorder.backwards - opt.seen_backwards, self.steps - opt.seen_steps
            opt.gradients.begin(opt.ref() if opt.steps else None, passes > others)

    def before_backward(self) -> None:
        for opt in self.known.values():
            opt.gradients.before_backward()

    def after_backward(self) -> None:
        self.recorder.decays.after_backward(self.leader)
        for opt in self.known.values():
            opt.gradients.after_backward(opt.ref())

    def zeroed(self, optimizer: Any) -> None:
        """`zero_grad` of an optimizer, or of a module (None), in a sampled step."""
        opt = self.find(optimizer) if optimizer is not None else None
        self.recorder.event("zero", opt.index if opt is not None else -1)
        for other in (opt,) if opt is not None else self.known.values():
            other.gradients.zeroed(self.recorder.site(caller(3)))

    def pending(self) -> bool:
        """One that still steps has not used the last backward pass, be it one from before the leader's step."""
        return any(
            opt.seen_backwards < self.recorder.backwards and opt.last_step >= self.recorder.step - RECENT_STEPS
            for opt in self.known.values()
            if opt.steps and opt.ref() is not None
        )

    def write_counts(self) -> None:
        self.not_alone()
        latest = max((opt.seen_backwards for opt in self.known.values()), default=0)
        for opt in self.known.values():
            seen = opt.gradients
            state = (opt.steps, opt.idle, opt.most, seen.checked, seen.without, opt.scaler_calls)
            if (opt.steps or opt.scaler_calls) and state != opt.sent:
                opt.sent = state
                self.recorder.row(
                    "oc",
                    i=opt.index,
                    n=opt.steps,
                    first=opt.first_step,
                    last=opt.last_step,
                    idle=opt.idle,
                    most=max(opt.most, self.recorder.backwards - latest if opt.seen_backwards == latest else 0),
                    chk=seen.checked,
                    dirty=seen.dirty,
                    un=[seen.unsure, seen.dirty_unsure],
                    late=seen.late,
                    wo=seen.without,
                    z=seen.zero_sites,
                    zl=seen.late_sites,
                    scaled=opt.scaled,
                    sc=opt.scaler_calls,
                    resc=seen.changed,
                    fl=[min(opt.rates, default=0.0), max(opt.rates, default=0.0), opt.flat, opt.rated],
                    cl=[opt.closures, opt.closures_idle, opt.closure_passes, opt.closure_dirty],
                )
        self.schedulers.write_counts()
        self.clips.write_counts()
        self.idle.write_counts()


def _behind(optimizer: Any) -> Any:
    """The optimizer that steps, of one that only hands on to it, as those of accelerate and Lightning do."""
    while isinstance(optimizer, torch.optim.Optimizer) and "_optimizer_step_pre_hooks" not in vars(optimizer):
        inner = getattr(optimizer, "optimizer", None)
        if not isinstance(inner, torch.optim.Optimizer) or inner is optimizer:
            break
        optimizer = inner
    return optimizer


def _rates(optimizer: Any) -> list[float]:
    return [setting(group.get("lr")) for group in optimizer.param_groups if group["params"]]


def _stray_rate(opt: Opt, optimizer: Any) -> tuple[float, str] | None:
    """A learning rate that none of the groups has, and where it was written: to an attribute that torch's optimizers do
    not have, or into the groups of a copy that `state_dict` had given."""
    rates = [setting(group.get("lr")) for group in optimizer.param_groups]
    rate = vars(optimizer).get("lr")
    if isinstance(rate, (int, float)) and type(optimizer).__module__.startswith("torch.optim") and rate not in rates:
        return float(rate), "lr"
    given, before = opt.given_out
    after = [setting(group.get("lr")) for group in given]
    if before == rates and after != before:
        return max(after), 'state_dict()["param_groups"]'
    return None


def _empty_group(optimizer: Any) -> tuple[int, float, float] | None:
    """(position, rate, the largest other rate) of a group without parameters that has a rate of its own."""
    groups = optimizer.param_groups
    others = [setting(group.get("lr")) for group in groups if group["params"]]
    for place, group in enumerate(groups):
        rate = setting(group.get("lr"))
        if not group["params"] and others and all(rate != other for other in others):
            return place, rate, max(others)
    return None
