"""What several rules ask of a learner's logs."""

from __future__ import annotations

import math
from statistics import median

from torchward.facts import Learner

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
