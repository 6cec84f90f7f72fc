"""What several rules ask of a learner's logs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median

from torchward.facts import Learner, Run

RETURN = "rollout/ep_rew_mean"
LEAST_LOGS = 10
RISEN = 0.1
"""A rise of the mean return by this share of its size at the start is called one."""


def recent(learner: Learner, name: str) -> list[float]:
    """The finite values of the last half of what it logged under this name."""
    series = learner.metrics.get(name)
    values = [value for value in series.values if math.isfinite(value)] if series else []
    return values[len(values) // 2 :]


def risen(learner: Learner, by: float = RISEN) -> bool | None:
    """Whether the mean return ended above where it began, by this share of its size; None if it was hardly logged."""
    series = learner.metrics.get(RETURN)
    values = [value for value in series.values if math.isfinite(value)] if series else []
    if len(values) < LEAST_LOGS:
        return None
    part = len(values) // 5
    before, after = median(values[:part]), median(values[-part:])
    return after > before + by * abs(before)


LEAST_EPISODES = 50
PART = 0.2
"""Share of the episodes, at the start and at the end, that are compared."""


def returns_of_loop(run: Run) -> tuple[float, float] | None:
    """Mean return of the first and of the last episodes of a loop of the program's own; None if there were too few."""
    if run.learners or run.episodes is None:
        return None
    values, counts = run.episodes.returns.values, run.episodes.counts
    total = sum(counts)
    if total < LEAST_EPISODES or len(values) < LEAST_LOGS:
        return None
    # Where much is learned in a small part of the run, the first fifth knows it already.
    before = min(_first(values, counts, episodes) for episodes in (LEAST_EPISODES, PART * total))
    return before, _first(values[::-1], counts[::-1], PART * total)


def _first(values: Sequence[float], counts: Sequence[int], episodes: float) -> float:
    """The mean of so many episodes, and of the block that the last one lies in."""
    done, total = 0, 0.0
    for value, count in zip(values, counts, strict=True):
        if done >= episodes:
            break
        done, total = done + count, total + value * count
    return total / done


def loop_risen(run: Run, by: float = RISEN) -> bool | None:
    """Whether the mean return of such a loop rose, by this share of its size; None if that is not known."""
    found = returns_of_loop(run)
    return None if found is None else found[1] > found[0] + by * abs(found[0])


def policy(run: Run) -> str:
    """A name for what a loop of the program's own trains."""
    names = [model.name for model in run.models if model.trainable]
    return names[0] if len(names) == 1 else "policy"


def rate(run: Run) -> float:
    """The largest learning rate that an optimizer of the run began with; 0 if none was seen."""
    return max((optimizer.lr.values[0] for optimizer in run.optimizers if optimizer.lr), default=0.0)
