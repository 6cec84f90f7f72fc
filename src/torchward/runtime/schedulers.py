"""Watches schedulers of the learning rate: how many steps they are laid out for, when they step, what they set."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch

from torchward.runtime.tensors import caller, number, setting

if TYPE_CHECKING:
    from torchward.runtime.optimizers import Opt
    from torchward.runtime.recorder import Recorder

LIMIT = 64
SMALL_FACTOR = 0.5
"""Factors of a LambdaLR are followed until one is beyond this: then it is a schedule of factors."""
METRICS_LIMIT = 64
"""First values given to a scheduler that watches a metric that are written down."""


class _Scheduler:
    """State of one scheduler."""

    def __init__(self, index: int, scheduler: Any, opt: Opt | None, made: int) -> None:
        self.index = index
        self.ref: Callable[[], Any] = weakref.ref(scheduler)
        self.opt = opt
        self.made = made
        """Passes over the training data before it was made."""
        self.steps = 0
        self.early = 0
        """Steps before the first one of its optimizer."""
        self.before = 0
        """Sampled steps of the training in which it stepped after a backward pass, before the optimizer."""
        self.base = opt.steps if opt is not None else 0
        self.first_rate = self.rate = _first_rate(getattr(scheduler, "optimizer", None))
        self.step_site: int | None = None
        self.place: int | None = None
        """Its `last_epoch` after its last step."""
        self.metrics: list[float] = []
        self.epochs: list[float] = []
        """Given to one that does not watch a metric, which takes them for numbers of epochs."""
        self.factor = _factor(scheduler) if isinstance(scheduler, torch.optim.lr_scheduler.LambdaLR) else None
        self.sent: tuple[int, int] | None = None


class Schedulers:
    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.known: dict[int, _Scheduler] = {}

    def made(self, scheduler: Any) -> None:
        if not getattr(type(scheduler).step, "__module__", "").startswith("torch."):
            return  # a class with a `step` of its own: when that is called is not seen
        known = self.known.get(id(scheduler))
        if (known is not None and known.ref() is scheduler) or len(self.known) >= LIMIT:
            return
        if known is not None:  # it is gone, and its identity has been given to another
            self.known[-1 - known.index] = known
        recorder = self.recorder
        optimizer = getattr(scheduler, "optimizer", None)
        opt = recorder.optimizers.add(optimizer) if isinstance(optimizer, torch.optim.Optimizer) else None
        index = recorder.next_index("scheduler")
        self.known[id(scheduler)] = _Scheduler(index, scheduler, opt, recorder.passes_over_training_data())
        length, size = _length(scheduler)
        recorder.row(
            "sched",
            i=index,
            kind=type(scheduler).__name__,
            opt=opt.index if opt is not None else None,
            site=recorder.site(caller(3)),
            len=length,
            size=size,
            t0=_period(scheduler),
            mode=getattr(scheduler, "mode", None) if hasattr(scheduler, "patience") else None,
            plan=number(planned) if (planned := _planned_rate(optimizer)) else None,
        )

    def stepped(self, scheduler: Any, metrics: Any = None, epoch: Any = None) -> None:
        known = self.known.get(id(scheduler))
        if known is None or known.ref() is not scheduler:
            return
        known.steps += 1
        on_device = isinstance(metrics, torch.Tensor) and not metrics.is_cpu
        if metrics is not None and not on_device and len(known.metrics) < METRICS_LIMIT:
            known.metrics.append(number(float(metrics)))
        if isinstance(epoch, torch.Tensor):
            epoch = float(epoch) if epoch.is_cpu and epoch.numel() == 1 else None
        if isinstance(epoch, (int, float)) and len(known.epochs) < METRICS_LIMIT:
            known.epochs.append(number(float(epoch)))
        known.rate = _first_rate(scheduler.optimizer)
        place = getattr(scheduler, "last_epoch", None)
        known.place = place if isinstance(place, int) else None
        if known.factor is not None and known.factor < SMALL_FACTOR:
            known.factor = max(known.factor, _factor(scheduler))
        opt, recorder = known.opt, self.recorder
        if known.step_site is None:
            known.step_site = recorder.site(caller(3))
        if opt is not None and opt.steps == 0:
            known.early += 1
        if recorder.sampling:
            recorder.event("schedule", known.index)
            names = [name for name, _ in recorder.events]
            if opt is not None and opt is recorder.optimizers.leader and "backward" in names:
                known.before += 1

    def overwritten(self, opt: Opt, optimizer: torch.optim.Optimizer) -> bool | None:
        """Is the rate another one than its only scheduler has set? None where that cannot be told."""
        own = [known for known in self.known.values() if known.opt is opt]
        scheduler = own[0].ref() if len(own) == 1 and own[0].steps else None
        set_to = getattr(scheduler, "_last_lr", None)
        if not set_to or len(set_to) != len(optimizer.param_groups):
            return None
        rates = [setting(group.get("lr")) for group in optimizer.param_groups]
        return any(abs(rate - setting(one)) > 1e-6 * abs(rate) for rate, one in zip(rates, set_to, strict=True))

    def write_counts(self) -> None:
        for known in self.known.values():
            scheduler, opt = known.ref(), known.opt
            rate = _first_rate(scheduler.optimizer) if scheduler is not None else known.rate
            counts = (known.steps, opt.steps if opt is not None else 0)
            if counts != known.sent:
                known.sent = counts
                self.recorder.row(
                    "sc",
                    i=known.index,
                    n=known.steps,
                    early=known.early,
                    before=known.before,
                    os=(opt.steps - known.base) if opt is not None else 0,
                    ratio=number(rate / known.first_rate) if known.first_rate and rate is not None else None,
                    site=known.step_site,
                    met=known.metrics,
                    at=known.epochs,
                    top=number(known.factor) if known.factor is not None else None,
                    ep=self.recorder.passes_over_training_data() - known.made,
                )


def _length(scheduler: Any) -> tuple[int | None, int | None]:
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
    return (int(length) if setting(length) else None), (int(size) if isinstance(size, int) else None)


def _period(scheduler: Any) -> int | None:
    """Steps between warm restarts, where they are evenly spaced."""
    period = getattr(scheduler, "T_0", None)
    return period if isinstance(period, int) and getattr(scheduler, "T_mult", 1) == 1 else None


def _first_rate(optimizer: Any) -> float | None:
    groups = getattr(optimizer, "param_groups", None)
    return setting(groups[0].get("lr")) if groups else None


def _planned_rate(optimizer: Any) -> float | None:
    groups = getattr(optimizer, "param_groups", None)
    return setting(groups[0].get("max_lr", groups[0].get("initial_lr"))) if groups else None


def _factor(scheduler: Any) -> float:
    """Largest share of its base rate that a group has now."""
    groups = zip(scheduler.optimizer.param_groups, scheduler.base_lrs, strict=False)
    return max((setting(group.get("lr")) / rate for group, base in groups if (rate := setting(base))), default=1.0)
