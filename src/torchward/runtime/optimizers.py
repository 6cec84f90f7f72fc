"""Watches optimizers, schedulers and clipping: what they hold, when they are called, what they do to the weights."""

from __future__ import annotations

import weakref
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import torch

from torchward.runtime.tensors import caller, item, number, plain, thin

if TYPE_CHECKING:
    from types import FrameType

    from torchward.runtime.models import Held
    from torchward.runtime.recorder import Recorder

OPTIMIZER_LIMIT = 256
RECENT_STEPS = 10
"""Steps after which an optimizer that has not stepped again belongs to an earlier stage."""
SPREAD_SAMPLES = 12
"""Samples in which the rows of weights are compared with each other."""


class Opt:
    """State of one optimizer; counters are plain integers that every step updates."""

    def __init__(self, index: int, optimizer: torch.optim.Optimizer) -> None:
        self.index = index
        self.ref = weakref.ref(optimizer)
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
        self.gradient: torch.Tensor | None = None
        """Flag: did the last backward pass leave a gradient (looked at in the last parameter that has one)?"""
        self.before: list[tuple[Held, torch.Tensor, torch.Tensor]] = []
        self.row: dict[str, Any] | None = None
        self.scalars: list[torch.Tensor] = []
        self.names: list[tuple[str, int]] = []
        # totals of sampled cycles
        self.checked = self.dirty = self.late = self.without = 0
        self.zero_sites: list[int] = []
        self.late_sites: list[int] = []
        self.clipped: float | None = None
        self.scaled = False

    def add_dirty(self, dirty: bool) -> None:
        self.dirty += dirty


class Optimizers:
    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.known: dict[int, Opt] = {}
        self.leader: Opt | None = None
        self.current: torch.optim.Optimizer | None = None
        """The optimizer whose step is under way; steps nested in it (wrappers around a base optimizer) are its own."""
        self.spread_samples = 0
        self.backwards_at_step = 0
        """Backward passes when any optimizer last stepped."""
        self.schedulers: dict[int, dict[str, Any]] = {}
        self.clips: dict[Any, dict[str, Any]] = {}
        self.initialising = 0

    # -- membership

    def find(self, optimizer: Any) -> Opt | None:
        known = self.known.get(id(optimizer))
        return known if known is not None and known.ref() is optimizer else None

    def add(self, optimizer: torch.optim.Optimizer) -> Opt | None:
        known = self.find(optimizer)
        if known is not None:
            return known
        if id(optimizer) in self.known or len(self.known) >= OPTIMIZER_LIMIT:
            self.write_counts()
            self.known = {key: opt for key, opt in self.known.items() if opt.ref() is not None}
            if len(self.known) >= OPTIMIZER_LIMIT:
                return None
        known = self.known[id(optimizer)] = Opt(self.recorder.next_index("optimizer"), optimizer)
        known.seen_backwards = self.recorder.backwards_at_last_step
        return known

    def made(self, optimizer: Any) -> None:
        """An optimizer was made: also one that never steps is known by where."""
        opt = self.add(optimizer) if not self.recorder.inside else None
        if opt is not None:
            opt.made = self.recorder.site(caller(3))

    def describe_new(self) -> None:
        """Before the first sampled backward pass of an optimizer: write what it holds, though it has not stepped."""
        for opt in list(self.known.values()):
            if opt.described is None and (optimizer := opt.ref()) is not None:
                self.describe(opt, optimizer)

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
        models = self.recorder.models
        pairs: list[tuple[Held, torch.Tensor]] = []
        for group in optimizer.param_groups:
            for parameter in group["params"]:
                held = models.find(parameter)
                if held is None and isinstance(parameter, torch.Tensor):
                    position = len(pairs)
                    held = models.hold(parameter, f"optimizer[{opt.index}].param[{position}]", None, "", "")
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
        )
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
            )
        return pairs

    # -- a step

    def before_step(self, optimizer: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if self.recorder.inside:
            return
        if self.current is not None and self.current is not optimizer and self.find(self.current) is not None:
            return
        self.current = optimizer
        opt = self.find(optimizer) or self.add(optimizer)
        if opt is not None and self.recorder.sampling:
            closure = kwargs.get("closure", args[1] if len(args) > 1 else None) is not None
            self.recorder.timed(self._sample_before, opt, optimizer, closure)

    def after_step(self, optimizer: Any, _args: tuple[Any, ...], _kwargs: dict[str, Any]) -> None:
        if self.current is not optimizer or self.recorder.inside:
            return
        self.current = None
        opt = self.find(optimizer)
        if opt is None:
            return
        recorder = self.recorder
        passes = recorder.backwards - opt.seen_backwards
        opt.seen_backwards = recorder.backwards
        if passes == 0:
            opt.idle += 1
        opt.most = max(opt.most, recorder.backwards - self.backwards_at_step)
        self.backwards_at_step = recorder.backwards
        opt.steps += 1
        if opt.first_step is None:
            opt.first_step = recorder.step
        opt.last_step = recorder.step
        if recorder.sampling:
            recorder.timed(self._sample_after, opt, optimizer)
        leader = self.leader
        if leader is None or leader.ref() is None:
            leader = self.leader = opt
        if opt is leader:
            for other in self.known.values():
                other.since_leader = 0
            recorder.end_of_step()
        else:
            opt.since_leader += 1
            if opt.since_leader >= 2:
                self.leader = opt
                recorder.end_of_step()

    def _sample_before(self, opt: Opt, optimizer: Any, closure: bool) -> None:
        recorder, models = self.recorder, self.recorder.models
        pairs = self.describe(opt, optimizer, caller(3))
        recorder.event("step", opt.index)
        own = {held.index for held, _ in pairs}
        if opt is self.leader or self.leader is None:
            others = [pair for pair in models.live() if pair[0].index not in own and not self.holders(pair[1])]
            pairs = pairs + [pair for pair in others if pair[1].grad is not None]
        lr = max((_number(group.get("lr")) for group in optimizer.param_groups), default=0.0)
        row: dict[str, Any] = {"s": recorder.step, "o": opt.index, "lr": number(lr), "p": [], "g": [], "none": []}
        norms: list[torch.Tensor] = []
        by_type: dict[Any, list[tuple[int, torch.Tensor]]] = {}
        spread = self.spread_samples < SPREAD_SAMPLES
        unread = False
        opt.before, opt.names, opt.scalars = [], [], []
        for held, parameter in pairs:
            index = models.send(held, parameter)
            if not plain(parameter) or not parameter.is_floating_point():
                continue
            gradient = parameter.grad
            if gradient is None:
                row["none"].append(index)
            elif plain(gradient):
                by_type.setdefault((gradient.device, gradient.dtype), []).append((index, gradient))
            else:
                unread = True
            if held.index in own and parameter.requires_grad:
                opt.before.append((held, parameter, thin(parameter).clone()))
        for (_, dtype), entries in by_type.items():
            for (index, _), norm in zip(entries, _norms([g for _, g in entries], dtype), strict=True):
                row["p"].append(index)
                norms.append(norm)
        if not unread:
            self._judge_cycle(opt, row, norms, closure)
        opt.witness = opt.witness_grad = opt.gradient = None
        opt.passes, opt.uncleared = 0, []
        opt.cleared_after_backward = False
        opt.row = row
        opt.scalars = norms
        opt.names = [("g", len(norms))]
        weights: dict[Any, list[torch.Tensor]] = {}
        row["wp"], row["sp"] = [], []
        for _, parameter, _ in opt.before:
            weights.setdefault(parameter.dtype, []).append(parameter.detach())
        ordered = {dtype: iter(_norms(values, dtype)) for dtype, values in weights.items()}
        spreads: list[torch.Tensor] = []
        for held, parameter, _ in opt.before:
            row["wp"].append(held.index)
            opt.scalars.append(next(ordered[parameter.dtype]))
            if spread and parameter.dim() >= 2 and parameter.shape[0] >= 2 and held.kind != "Embedding":
                row["sp"].append(held.index)
                spreads.append(_row_spread(parameter.detach()))
        opt.scalars += spreads
        opt.names += [("w", len(opt.before)), ("spread", len(spreads))]
        if spread and opt is self.leader:
            self.spread_samples += 1

    def _judge_cycle(self, opt: Opt, row: dict[str, Any], norms: list[torch.Tensor], closure: bool) -> None:
        """What the sampled stretch since this optimizer's previous step says of its gradients."""
        if opt.passes and opt.witness is not None:
            opt.checked += 1
            if len(opt.uncleared) == opt.passes:
                self.recorder.reader.read(opt.uncleared, lambda values: opt.add_dirty(all(values)))
        if opt.passes and not closure:
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
        opt.row = None
        if row is None:
            return
        moved = [(before, thin(parameter)) for _, parameter, before in opt.before]
        scalars = opt.scalars
        scalars += [torch.linalg.vector_norm((new - old).float()) for old, new in moved]
        scalars += [torch.linalg.vector_norm(new.float()) for _, new in moved]
        counts = [*opt.names, ("d", len(moved)), ("t", len(moved))]
        opt.before, opt.scalars = [], []

        def write(values: list[float]) -> None:
            parts: dict[str, list[float]] = {}
            for name, count in counts:
                parts[name], values = values[:count], values[count:]
            ratios = [d / t if t > 0 else 0.0 for d, t in zip(parts["d"], parts["t"], strict=True)]
            recorder.row(
                "st",
                **{**row, "g": list(map(number, parts["g"])), "w": list(map(number, parts["w"]))},
                u=list(map(number, ratios)),
                spv=list(map(number, parts["spread"])),
            )

        recorder.reader.read(scalars, write)

    # -- gradients between steps

    def begin_cycle(self) -> None:
        """A sampled step begins: remember a gradient of each optimizer as its last step left it."""
        for opt in self.known.values():
            opt.passes, opt.uncleared = 0, []
            opt.cleared_after_backward = False
            opt.witness = opt.witness_grad = opt.gradient = None
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
            witness = opt.witness
            if witness is None:
                continue
            gradient = witness.grad
            if gradient is None or gradient is not opt.witness_grad or gradient._version != opt.witness_version:
                continue
            opt.uncleared.append((gradient != 0).any().float())

    def after_backward(self) -> None:
        for opt in self.known.values():
            # A pass that added to a gradient nobody cleared leaves one that is still not cleared.
            if opt.witness_grad is not None and opt.witness is not None and len(opt.uncleared) == opt.passes:
                opt.witness_version = opt.witness_grad._version
            optimizer = opt.ref()
            groups = reversed(optimizer.param_groups) if optimizer is not None else ()
            held = (parameter.grad for group in groups for parameter in reversed(group["params"]))
            gradient = next((gradient for gradient in held if gradient is not None and plain(gradient)), None)
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
        if id(scheduler) in self.schedulers or len(self.schedulers) >= 64:
            return
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
            "made": self.recorder.passes_over_training_data(),
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
        )

    def scheduler_stepped(self, scheduler: Any) -> None:
        record = self.schedulers.get(id(scheduler))
        if record is None or record["ref"]() is not scheduler:
            return
        record["n"] += 1
        record["now"] = _first_lr(scheduler.optimizer)
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
        latest = max((opt.seen_backwards for opt in self.known.values()), default=0)
        for opt in self.known.values():
            state = (opt.steps, opt.idle, opt.most, opt.checked, opt.without)
            if opt.steps and state != opt.sent:
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
                    ep=self.recorder.passes_over_training_data() - record["made"],
                )
        for clip in self.clips.values():
            if clip["n"] != clip.get("sent"):
                clip["sent"] = clip["n"]
                self.recorder.row("cc", i=clip["i"], n=clip["n"], ok=clip["ok"], late=clip["late"])


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


def _number(value: Any) -> float:
    """A plain number from a hyper-parameter that may be a tensor on the CPU; 0 for anything else."""
    if isinstance(value, torch.Tensor):
        return float(item(value)) if value.numel() == 1 and value.device.type == "cpu" else 0.0
    return float(value) if isinstance(value, (int, float)) else 0.0


def _first_lr(optimizer: Any) -> float | None:
    groups = getattr(optimizer, "param_groups", None)
    return _number(groups[0].get("lr")) if groups else None


def _norms(tensors: list[torch.Tensor], dtype: torch.dtype) -> list[torch.Tensor]:
    if dtype in (torch.float32, torch.float64):
        return list(torch._foreach_norm(tensors))
    return [torch.linalg.vector_norm(tensor, dtype=torch.float32) for tensor in tensors]


def _row_spread(weight: torch.Tensor) -> torch.Tensor:
    rows = weight.reshape(weight.shape[0], -1)
    rows = rows[:: -(-rows.shape[0] // 64), :: -(-rows.shape[1] // 256)].float()
    return (rows - rows[0]).abs().max() / rows.abs().max().clamp(min=1e-30)
