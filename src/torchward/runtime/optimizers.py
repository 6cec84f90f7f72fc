"""Watches optimizers, schedulers and clipping: what they hold, when they are called, what they do to the weights."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import torch

from torchward.runtime.tensors import caller, item, number, plain, thin
from torchward.runtime.wrap import around

if TYPE_CHECKING:
    from types import FrameType

    from torchward.runtime.parameters import Held
    from torchward.runtime.recorder import Recorder

OPTIMIZER_LIMIT = 256
RECENT_STEPS = 10
"""Steps after which an optimizer that has not stepped again belongs to an earlier stage."""
SCALES_LIMIT = 512
"""Scales of a `GradScaler` that are written down: while every step is skipped, the first sample never ends."""
SMALLEST_NORMAL = 2.0**-14
"""Of float16: below it digits are lost, below 2**-25 everything."""
SMALL_FACTOR = 0.5
"""Factors of a LambdaLR are followed until one is beyond this: then it is a schedule of factors."""
METRICS_LIMIT = 64
"""First values given to a scheduler that watches a metric that are written down."""
SPREAD_SAMPLES = 12
"""Samples in which the rows of weights are compared with each other."""


class HotOpt:
    """What every step touches, side by side in memory."""

    __slots__ = ("identity", "seen_backwards", "steps")


class Opt(HotOpt):
    """State of one optimizer; counters are plain integers that every step updates."""

    def __init__(self, index: int, optimizer: torch.optim.Optimizer) -> None:
        self.index = index
        self.ref = weakref.ref(optimizer, self._gone)
        self.identity = id(optimizer)
        """0 once the optimizer is gone."""
        self.steps = 0
        self.idle = 0
        self.most = 0
        self.seen_backwards = 0
        self.since_leader = 0
        self.first_step: int | None = None
        self.last_step = 0
        self.sent: Any = None
        self.described: Any = None
        self.made = self.site = -1
        # the cycle under way, if it is sampled
        self.witness: torch.Tensor | None = None
        self.witness_grad: torch.Tensor | None = None
        self.witness_version = 0
        self.passes = 0
        self.uncleared: list[torch.Tensor] = []
        """One flag per backward pass that began on the gradient that the last step used: is there a value in it?"""
        self.cleared_after_backward = False
        self.left: tuple[torch.Tensor, torch.Tensor, int] | None = None
        """A parameter, its gradient as the last backward pass left it, and that gradient's version."""
        self.gradient: torch.Tensor | None = None
        """Flag: did the last backward pass leave a gradient (looked at in the last parameter that has one)?"""
        self.before: list[tuple[Held, torch.Tensor, torch.Tensor]] = []
        self.pairs: list[tuple[Held, torch.Tensor]] | None = None
        """Parameters whose gradients are to be looked at before this step goes on."""
        self.norms: list[torch.Tensor] | None = None
        """Of the gradients that it is about to use; None where some cannot be read."""
        self.row: dict[str, Any] | None = None
        self.scalars: list[torch.Tensor] = []
        self.names: list[tuple[str, int]] = []
        # totals of sampled cycles
        self.checked = self.dirty = self.late = self.without = 0
        self.zero_sites: list[int] = []
        self.late_sites: list[int] = []
        self.clipped: float | None = None
        self.scaled = False
        self.given_out: tuple[list[dict[str, Any]], list[float]] = ([], [])
        """The groups of the last state dict, which is a copy, and the rates that stood in it."""
        self.scaler_calls = self.scales = 0
        self.rescaled = 0
        self.in_closure = False
        self.closure_calls = 0
        """In the step under way."""
        self.closures = self.closures_idle = 0
        """Sampled steps with a closure; those in which it ran no backward pass."""
        self.backwards_before = self.evaluations_before = self.dirty_inside = 0
        self.closure_passes = self.closure_dirty = 0
        """Backward passes in a closure after its first; those that began on the gradient of the one before."""
        self.nested = False
        """It steps inside the step of another that wraps it, as last sampled: its own steps are not counted."""

    def _gone(self, _ref: Any) -> None:
        self.identity = 0

    def add_dirty(self, dirty: bool) -> None:
        self.dirty += dirty


class Optimizers:
    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.known: dict[int, Opt] = {}
        self.leader: Opt | None = None
        self.current: torch.optim.Optimizer | None = None
        """The optimizer whose step is under way, in sampled cycles."""
        self.spread_samples = 0
        self.backwards_at_step = 0
        """Backward passes when any optimizer last stepped."""
        self.schedulers: dict[int, dict[str, Any]] = {}
        self.clips: dict[Any, dict[str, Any]] = {}
        self.initialising = 0

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
        known = self.known[id(optimizer)] = Opt(self.recorder.next_index("optimizer"), optimizer)
        known.seen_backwards = self.backwards_at_step
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
            max((_number(group.get("weight_decay")) for group in optimizer.param_groups), default=0.0),
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
                mom=_number(momentum[0] if isinstance(momentum, (tuple, list)) else momentum),
                site=opt.site,
                made=opt.made,
                stray=state[4],
                empty=state[5],
                eps=_number(group["eps"]) if "eps" in group else None,
                betas=[_number(beta) for beta in group.get("betas") or ()],
            )
        return pairs

    def gave_state(self, optimizer: Any, state: Any) -> None:
        """`state_dict` has returned."""
        opt = self.find(optimizer)
        groups = state.get("param_groups") if isinstance(state, dict) else None
        if opt is not None and isinstance(groups, list):
            opt.given_out = (groups, [_number(group.get("lr")) for group in groups])

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
        self.recorder.timed(self._sample_before, opt, optimizer, closure is not None)
        if closure is None:
            self.recorder.timed(self._sample_gradients, opt)
        if not callable(closure):
            return None
        # Lightning's loop, and whoever else hands one over, computes the gradients of a step inside of it.
        ran = self.recorder.guarded("optimizer", self._closure_ran)
        heard = around(closure, None, lambda _token, _result, _args, _kwargs: ran(opt))
        if "closure" in kwargs:
            return args, {**kwargs, "closure": heard}
        return (args[0], heard, *args[2:]), kwargs

    def _closure_ran(self, opt: Opt) -> None:
        opt.closure_calls += 1
        if opt.closure_calls == 1 and opt.row is not None and not self.recorder.inside:
            self.recorder.timed(self._sample_gradients, opt)

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
        if opt.seen_backwards == backwards:
            opt.idle += 1
        opt.most = max(opt.most, backwards - self.backwards_at_step)
        opt.seen_backwards = self.backwards_at_step = backwards
        opt.steps += 1
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
            recorder.timed(self._sample_after, opt, optimizer)
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

    def _sample_before(self, opt: Opt, optimizer: Any, closure: bool) -> None:
        """What a step begins with; its gradients are looked at by `_sample_gradients`."""
        recorder, parameters = self.recorder, self.recorder.parameters
        opt.pairs = self.describe(opt, optimizer, caller(3))
        opt.in_closure, opt.backwards_before, opt.dirty_inside = closure, recorder.backwards, 0
        opt.evaluations_before = _evaluations(optimizer) if closure else 0
        opt.closure_calls = 0
        if closure:
            opt.left = None
        lr = max((_number(group.get("lr")) for group in optimizer.param_groups), default=0.0)
        row: dict[str, Any] = {"s": recorder.step, "o": opt.index, "lr": number(lr), "p": [], "g": [], "none": []}
        row["ow"] = self._overwritten(opt, optimizer)
        if opt is self.leader:
            recorder.decays.before_step(opt)
        row["wp"], row["sp"], row["zp"] = [], [], []
        spread = self.spread_samples < SPREAD_SAMPLES
        opt.before, opt.scalars = [], []
        weights: dict[Any, list[torch.Tensor]] = {}
        for held, parameter in opt.pairs:
            parameters.send(held, parameter)
            if plain(parameter) and parameter.is_floating_point() and parameter.requires_grad:
                opt.before.append((held, parameter, thin(parameter).clone()))
                weights.setdefault(parameter.dtype, []).append(parameter.detach())
        ordered = {dtype: iter(_norms(values, dtype)) for dtype, values in weights.items()}
        spreads: list[torch.Tensor] = []
        for held, parameter, _ in opt.before:
            row["wp"].append(held.index)
            opt.scalars.append(next(ordered[parameter.dtype]))
            if spread and parameter.dim() >= 2 and parameter.shape[0] >= 2 and held.kind != "Embedding":
                row["sp"].append(held.index)
                spreads.append(_row_spread(parameter.detach()))
        opt.row = row
        opt.scalars += spreads
        opt.names = [("w", len(opt.before)), ("spread", len(spreads))]
        if spread and opt is self.leader:
            self.spread_samples += 1

    def _sample_gradients(self, opt: Opt) -> None:
        """The gradients that a step is about to use: before it, or once its closure has run for the first time."""
        recorder, parameters, row, pairs = self.recorder, self.recorder.parameters, opt.row, opt.pairs
        opt.pairs = None
        if row is None or pairs is None:
            return
        recorder.event("step", opt.index)
        if opt is self.leader and not opt.in_closure:
            recorder.decays.with_gradients(opt)
        own = {held.index for held, _ in pairs}
        if opt is self.leader or self.leader is None:
            others = [pair for pair in parameters.live() if pair[0].index not in own and not self.holders(pair[1])]
            pairs = pairs + [pair for pair in others if pair[1].grad is not None]
        norms: list[torch.Tensor] = []
        by_type: dict[Any, list[tuple[int, torch.Tensor]]] = {}
        unread = False
        for held, parameter in pairs:
            index = parameters.send(held, parameter)
            if not plain(parameter) or not parameter.is_floating_point():
                continue
            gradient = parameter.grad
            if gradient is None:
                row["none"].append(index)
            elif plain(gradient):
                by_type.setdefault((gradient.device, gradient.dtype), []).append((index, gradient))
            else:
                unread = True
        for (_, dtype), entries in by_type.items():
            for (index, _), norm in zip(entries, _norms([g for _, g in entries], dtype), strict=True):
                row["p"].append(index)
                norms.append(norm)
        opt.norms = None if unread else norms
        if not opt.in_closure:
            self._judge_cycle(opt, row)
            if opt.left is not None and not opt.cleared_after_backward:
                parameter, gradient, version = opt.left
                touched = parameter.grad is not gradient or gradient._version != version
                events = [name for name, _ in recorder.events]
                after = events[len(events) - events[::-1].index("backward") :] if "backward" in events else ["clip"]
                opt.rescaled += touched and not {"clip", "unscale", "zero"}.intersection(after)
            opt.witness = opt.witness_grad = opt.gradient = opt.left = None
            opt.passes, opt.uncleared = 0, []
            opt.cleared_after_backward = False
        opt.scalars += norms
        opt.names.append(("g", len(norms)))
        if recorder.passes.computed_in == "float16" and not opt.scaled:
            for (_, dtype), entries in by_type.items():
                for index, gradient in entries:
                    if dtype == torch.float32 and gradient.dim() >= 2 and index in own:
                        size = thin(gradient).abs()
                        row["zp"].append(index)
                        shares = (size == 0).float().mean(), (size < SMALLEST_NORMAL).float().mean()
                        opt.scalars = [*opt.scalars, *shares]
            opt.names.append(("z", 2 * len(row["zp"])))

    def _overwritten(self, opt: Opt, optimizer: torch.optim.Optimizer) -> bool | None:
        """Is the rate another one than its only scheduler has set? None where that cannot be told."""
        own = [one for one in self.schedulers.values() if one["opt"] is opt]
        scheduler = own[0]["ref"]() if len(own) == 1 and own[0]["n"] else None
        set_to = getattr(scheduler, "_last_lr", None)
        if not set_to or len(set_to) != len(optimizer.param_groups):
            return None
        rates = [_number(group.get("lr")) for group in optimizer.param_groups]
        return any(abs(rate - _number(one)) > 1e-6 * abs(rate) for rate, one in zip(rates, set_to, strict=True))

    def _judge_cycle(self, opt: Opt, row: dict[str, Any]) -> None:
        """What the sampled stretch since this optimizer's previous step says of its gradients."""
        norms = opt.norms
        if not opt.passes or norms is None:
            return
        if opt.witness is not None:
            opt.checked += 1
            if len(opt.uncleared) == opt.passes:
                self.recorder.reader.read(opt.uncleared, lambda values: opt.add_dirty(all(values)))
        cleared, unwitnessed, gradient = opt.cleared_after_backward, opt.witness is None, opt.gradient
        own = set(opt.described[0])
        relevant = [norm for index, norm in zip(row["p"], norms, strict=True) if index in own]
        row["pass"] = True

        def write(values: list[float]) -> None:
            nothing = not any(values[: len(relevant)])
            opt.without += nothing
            opt.late += nothing and (cleared or any(values[len(relevant) :]))
            opt.checked += unwitnessed

        self.recorder.reader.read(relevant if gradient is None else [*relevant, gradient], write)

    def _sample_after(self, opt: Opt, optimizer: Any) -> None:
        recorder, row = self.recorder, opt.row
        if opt.in_closure:
            if opt.pairs is not None:  # the closure was not called: gradients are as they were
                self._sample_gradients(opt)
            elif row is not None and opt.closure_calls == 1:
                self._judge_cycle(opt, row)
            opt.in_closure = False
            passes = recorder.backwards - opt.backwards_before
            opt.closures += 1
            opt.closures_idle += passes == 0
            # With several passes to an evaluation, as over parts of the data, they add up on purpose.
            if 1 < passes == _evaluations(optimizer) - opt.evaluations_before:
                opt.closure_passes += passes - 1
                opt.closure_dirty += opt.dirty_inside
        opt.row = opt.norms = None
        if row is None:
            return
        moved = [(before, thin(parameter)) for _, parameter, before in opt.before]
        scalars = opt.scalars
        scalars += [torch.linalg.vector_norm((new - old).float()) for old, new in moved]
        scalars += [torch.linalg.vector_norm(new.float()) for _, new in moved]
        half = [
            (held.index, before, thin(parameter), thin(parameter.grad))
            for held, parameter, before in opt.before
            if parameter.dtype in (torch.float16, torch.bfloat16) and parameter.grad is not None
        ]
        for _, old, new, gradient in half:
            there = gradient != 0
            scalars.append(((new == old) & there).sum() / there.sum().clamp(min=1))
        row["hp"] = [index for index, *_ in half]
        counts = [*opt.names, ("d", len(moved)), ("t", len(moved)), ("h", len(half))]
        opt.before, opt.scalars = [], []
        first = opt.first_step == row["s"]

        def write(values: list[float]) -> None:
            parts: dict[str, list[float]] = {}
            for name, count in counts:
                parts[name], values = values[:count], values[count:]
            ratios = [d / t if t > 0 else 0.0 for d, t in zip(parts["d"], parts["t"], strict=True)]
            # At the start in full: ranks are compared by them.
            weights = parts["w"] if first else list(map(number, parts["w"]))
            recorder.row(
                "st",
                **{**row, "g": list(map(number, parts["g"])), "w": weights},
                u=list(map(number, ratios)),
                spv=list(map(number, parts["spread"])),
                hpv=list(map(number, parts["h"])),
                zpv=list(map(number, parts.get("z", ()))),
            )

        recorder.reader.read(scalars, write)

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
        """A sampled step begins: remember a gradient of each optimizer as its last step left it."""
        self.current = None
        self.recorder.decays.begin(self.leader)
        for opt in self.known.values():
            opt.passes, opt.uncleared = 0, []
            opt.cleared_after_backward = False
            opt.witness = opt.witness_grad = opt.gradient = opt.left = None
            optimizer = opt.ref()
            if optimizer is None or opt.steps == 0:
                continue
            best = None
            for group in optimizer.param_groups:
                for parameter in group["params"]:
                    gradient = parameter.grad
                    if gradient is not None and plain(gradient) and (best is None or gradient.numel() < best.numel()):
                        best = gradient
                        opt.witness = parameter
            if best is not None:
                opt.witness_grad, opt.witness_version = best, best._version

    def before_backward(self) -> None:
        for opt in self.known.values():
            opt.passes += 1
            opt.cleared_after_backward = False
            if opt.in_closure and opt.left is not None:
                parameter, kept, version = opt.left
                opt.dirty_inside += parameter.grad is kept and kept._version == version
            witness = opt.witness
            if witness is None:
                continue
            gradient = witness.grad
            if gradient is None or gradient is not opt.witness_grad or gradient._version != opt.witness_version:
                continue
            opt.uncleared.append((gradient != 0).any().float())

    def after_backward(self) -> None:
        self.recorder.decays.after_backward(self.leader)
        for opt in self.known.values():
            # A pass that added to a gradient nobody cleared leaves one that is still not cleared.
            if opt.witness_grad is not None and opt.witness is not None and len(opt.uncleared) == opt.passes:
                opt.witness_version = opt.witness_grad._version
            optimizer = opt.ref()
            groups = reversed(optimizer.param_groups) if optimizer is not None else ()
            held = (parameter for group in groups for parameter in reversed(group["params"]))
            last = next((one for one in held if one.grad is not None and plain(one.grad)), None)
            gradient = last.grad if last is not None else None
            opt.left = None
            if last is not None and gradient is not None:
                opt.left = last, gradient, gradient._version
            opt.gradient = (thin(gradient) != 0).any().float() if gradient is not None else None

    def zeroed(self, optimizer: Any) -> None:
        """`zero_grad` of an optimizer, or of a module (None), in a sampled step."""
        opt = self.find(optimizer) if optimizer is not None else None
        self.recorder.event("zero", opt.index if opt is not None else -1)
        for other in (opt,) if opt is not None else self.known.values():
            other.cleared_after_backward = other.passes > 0
            site = self.recorder.site(caller(3))
            for sites in (other.zero_sites, *([other.late_sites] if other.cleared_after_backward else [])):
                if site not in sites and len(sites) < 8:
                    sites.append(site)

    # -- clipping

    def clipped(self, kind: str, threshold: Any, total: Any) -> None:
        frame = caller(4)
        key = (kind, frame.f_code, frame.f_lineno) if frame is not None else (kind, None, 0)
        clip = self.clips.get(key)
        if clip is None:
            if len(self.clips) >= 16:
                return
            clip = self.clips[key] = {"i": len(self.clips), "n": 0, "ok": 0, "late": 0}
            self.recorder.row("clip", i=clip["i"], kind=kind, th=_number(threshold), site=self.recorder.site(frame))
        clip["n"] += 1
        if not self.recorder.sampling:
            return
        self.recorder.event("clip", -1)
        events = [name for name, _ in self.recorder.events]
        # Another optimizer may still have to use a backward pass from before the leader's step.
        pending = any(
            opt.seen_backwards < self.recorder.backwards and opt.last_step >= self.recorder.step - RECENT_STEPS
            for opt in self.known.values()
            if opt.steps and opt.ref() is not None
        )
        if "backward" in events or pending:
            clip["ok"] += 1
        elif self.recorder.steps_sampled:
            clip["late"] += 1
        if isinstance(total, torch.Tensor) and total.numel() == 1:
            step = self.recorder.step

            def write(values: list[float]) -> None:
                self.recorder.row("cn", i=clip["i"], s=step, v=number(values[0]), th=_number(threshold))

            self.recorder.reader.read([total], write)

    # -- schedulers

    def scheduler_made(self, scheduler: Any) -> None:
        known = self.schedulers.get(id(scheduler))
        if (known is not None and known["ref"]() is scheduler) or len(self.schedulers) >= 64:
            return
        if known is not None:  # it is gone, and its identity has been given to another
            self.schedulers[-1 - known["i"]] = known
        optimizer = getattr(scheduler, "optimizer", None)
        opt = self.add(optimizer) if isinstance(optimizer, torch.optim.Optimizer) else None
        record = {
            "i": self.recorder.next_index("scheduler"),
            "ref": weakref.ref(scheduler),
            "n": 0,
            "early": 0,
            "before": 0,
            "opt": opt,
            "base": opt.steps if opt is not None else 0,
            "lr": _first_lr(optimizer),
            "now": _first_lr(optimizer),
            "step_site": None,
            "metrics": [],
            "made": self.recorder.passes_over_training_data(),
            "factor": _factor(scheduler) if isinstance(scheduler, torch.optim.lr_scheduler.LambdaLR) else None,
        }
        self.schedulers[id(scheduler)] = record
        length, size = schedule_length(scheduler)
        self.recorder.row(
            "sched",
            i=record["i"],
            kind=type(scheduler).__name__,
            opt=opt.index if opt is not None else None,
            site=self.recorder.site(caller(3)),
            len=length,
            size=size,
            t0=_period(scheduler),
            mode=getattr(scheduler, "mode", None) if hasattr(scheduler, "patience") else None,
            plan=number(planned) if (planned := _planned_lr(optimizer)) else None,
        )

    def scheduler_stepped(self, scheduler: Any, metrics: Any = None) -> None:
        record = self.schedulers.get(id(scheduler))
        if record is None or record["ref"]() is not scheduler:
            return
        record["n"] += 1
        on_device = isinstance(metrics, torch.Tensor) and not metrics.is_cpu
        if metrics is not None and not on_device and len(record["metrics"]) < METRICS_LIMIT:
            record["metrics"].append(number(float(metrics)))
        record["now"] = _first_lr(scheduler.optimizer)
        if record["factor"] is not None and record["factor"] < SMALL_FACTOR:
            record["factor"] = max(record["factor"], _factor(scheduler))
        opt = record["opt"]
        if record["step_site"] is None:
            record["step_site"] = self.recorder.site(caller(3))
        if opt is not None and opt.steps == 0:
            record["early"] += 1
        if self.recorder.sampling:
            self.recorder.event("schedule", record["i"])
            names = [name for name, _ in self.recorder.events]
            if opt is not None and opt is self.leader and "backward" in names:
                record["before"] += 1

    def write_counts(self) -> None:
        self.not_alone()
        latest = max((opt.seen_backwards for opt in self.known.values()), default=0)
        for opt in self.known.values():
            state = (opt.steps, opt.idle, opt.most, opt.checked, opt.without, opt.scaler_calls)
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
                    chk=opt.checked,
                    dirty=opt.dirty,
                    late=opt.late,
                    wo=opt.without,
                    z=opt.zero_sites,
                    zl=opt.late_sites,
                    scaled=opt.scaled,
                    sc=opt.scaler_calls,
                    resc=opt.rescaled,
                    cl=[opt.closures, opt.closures_idle, opt.closure_passes, opt.closure_dirty],
                )
        for record in self.schedulers.values():
            scheduler = record["ref"]()
            opt = record["opt"]
            now = _first_lr(scheduler.optimizer) if scheduler is not None else record["now"]
            counts = (record["n"], opt.steps if opt is not None else 0)
            if counts != record.get("sent"):
                record["sent"] = counts
                self.recorder.row(
                    "sc",
                    i=record["i"],
                    n=record["n"],
                    early=record["early"],
                    before=record["before"],
                    os=(opt.steps - record["base"]) if opt is not None else 0,
                    ratio=number(now / record["lr"]) if record["lr"] and now is not None else None,
                    site=record["step_site"],
                    met=record["metrics"],
                    top=number(record["factor"]) if record["factor"] is not None else None,
                    ep=self.recorder.passes_over_training_data() - record["made"],
                )
        for clip in self.clips.values():
            if clip["n"] != clip.get("sent"):
                clip["sent"] = clip["n"]
                self.recorder.row("cc", i=clip["i"], n=clip["n"], ok=clip["ok"], late=clip["late"])


def _behind(optimizer: Any) -> Any:
    """The optimizer that steps, of one that only hands on to it, as those of accelerate and Lightning do."""
    while isinstance(optimizer, torch.optim.Optimizer) and "_optimizer_step_pre_hooks" not in vars(optimizer):
        inner = getattr(optimizer, "optimizer", None)
        if not isinstance(inner, torch.optim.Optimizer) or inner is optimizer:
            break
        optimizer = inner
    return optimizer


def schedule_length(scheduler: Any) -> tuple[int | None, int | None]:
    """(its own steps until a schedule is over, period of its first change) from its public attributes; None: endless.

    `T_max` of CosineAnnealingLR is half a period: the rate is lowest there.
    """
    milestones = getattr(scheduler, "milestones", None)
    if milestones:
        steps = sorted(milestones)
        return int(steps[-1]), int(steps[0])
    length: Any = next(
        (getattr(scheduler, name) for name in ("total_steps", "T_max", "total_iters") if hasattr(scheduler, name)), None
    )
    size = getattr(scheduler, "step_size", None)
    return (int(length) if _number(length) else None), (int(size) if isinstance(size, int) else None)


def _period(scheduler: Any) -> int | None:
    """Steps between warm restarts, where they are evenly spaced."""
    period = getattr(scheduler, "T_0", None)
    return period if isinstance(period, int) and getattr(scheduler, "T_mult", 1) == 1 else None


def _number(value: Any) -> float:
    """A plain number from a hyper-parameter that may be a tensor on the CPU; 0 for anything else."""
    if isinstance(value, torch.Tensor):
        return float(item(value)) if value.numel() == 1 and value.device.type == "cpu" else 0.0
    return float(value) if isinstance(value, (int, float)) else 0.0


def _evaluations(optimizer: torch.optim.Optimizer) -> int:
    """Times that an optimizer has called closures so far, where it counts them itself, as L-BFGS does."""
    state = next(iter(optimizer.state.values()), None)
    return int(state.get("func_evals", 0)) if isinstance(state, dict) else 0


def _first_lr(optimizer: Any) -> float | None:
    groups = getattr(optimizer, "param_groups", None)
    return _number(groups[0].get("lr")) if groups else None


def _factor(scheduler: Any) -> float:
    """Largest share of its base rate that a group has now."""
    groups = zip(scheduler.optimizer.param_groups, scheduler.base_lrs, strict=False)
    return max((_number(group.get("lr")) / rate for group, base in groups if (rate := _number(base))), default=1.0)


def _stray_rate(opt: Opt, optimizer: Any) -> tuple[float, str] | None:
    """A learning rate that none of the groups has, and where it was written: to an attribute that torch's optimizers do
    not have, or into the groups of a copy that `state_dict` had given."""
    rates = [_number(group.get("lr")) for group in optimizer.param_groups]
    rate = vars(optimizer).get("lr")
    if isinstance(rate, (int, float)) and type(optimizer).__module__.startswith("torch.optim") and rate not in rates:
        return float(rate), "lr"
    given, before = opt.given_out
    after = [_number(group.get("lr")) for group in given]
    if before == rates and after != before:
        return max(after), 'state_dict()["param_groups"]'
    return None


def _empty_group(optimizer: Any) -> tuple[int, float, float] | None:
    """(position, rate, the largest other rate) of a group without parameters that has a rate of its own."""
    groups = optimizer.param_groups
    others = [_number(group.get("lr")) for group in groups if group["params"]]
    for place, group in enumerate(groups):
        rate = _number(group.get("lr"))
        if not group["params"] and others and all(rate != other for other in others):
            return place, rate, max(others)
    return None


def _planned_lr(optimizer: Any) -> float | None:
    groups = getattr(optimizer, "param_groups", None)
    return _number(groups[0].get("max_lr", groups[0].get("initial_lr"))) if groups else None


def _norms(tensors: list[torch.Tensor], dtype: torch.dtype) -> list[torch.Tensor]:
    if dtype in (torch.float32, torch.float64):
        return list(torch._foreach_norm(tensors))
    return [torch.linalg.vector_norm(tensor, dtype=torch.float32) for tensor in tensors]


def _row_spread(weight: torch.Tensor) -> torch.Tensor:
    rows = weight.reshape(weight.shape[0], -1)
    rows = rows[:: -(-rows.shape[0] // 64), :: -(-rows.shape[1] // 256)].float()
    return (rows - rows[0]).abs().max() / rows.abs().max().clamp(min=1e-30)
