"""Learning rate schedulers that the script itself steps."""

from __future__ import annotations

from torchward.facts import Run, Scheduler

COMPOSITE = ("SequentialLR", "ChainedScheduler")


def own_schedulers(run: Run) -> list[Scheduler]:
    """All but the parts of composite schedules, which the composite steps (some of them late, or never)."""
    composed = {scheduler.optimizer for scheduler in run.schedulers if scheduler.kind in COMPOSITE}
    return [
        scheduler
        for scheduler in run.schedulers
        if scheduler.optimizer is not None and (scheduler.kind in COMPOSITE or scheduler.optimizer not in composed)
    ]
