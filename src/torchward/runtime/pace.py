"""Decides when to sample: densely at the beginning of each stage, then ever further apart, inside a budget of time and
of bytes.
"""

from __future__ import annotations

import math
import statistics
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torchward.runtime.recorder import Recorder

DENSE_STEPS = 5
"""First steps, each of them sampled: most wiring bugs show at once."""
SPACING = 10
"""The interval between samples is at least the steps so far divided by this, so samples are spaced logarithmically."""
STAGES = 4
"""Beginnings of further stages, such as a fine-tuning, that are looked at like the first."""
LONGEST_INTERVAL = 200
"""Steps between samples at most, budget permitting."""
CREDIT_SECONDS = 0.8
"""Processor time for sampling that every run has, however short."""
STAGE_SECONDS = 0.15
"""Such time that each of those beginnings has: the stage before may have spent all there was."""
CREDIT_STEPS = 1_000
"""Steps over which that time is handed out, evenly on a logarithmic scale, so that short runs are seen to their end."""
FORGIVEN_SECONDS = 0.5
"""Processor time above the usual, at most, that single samples may take without making later ones rarer: something is
imported or made for the first time, or the machine was busy."""
UNUSUAL = 3
"""Times the median of the samples so far."""
BYTES_AT_START = 200_000
BYTES_PER_STEP = 600
"""The log's budget; with both, 1,000 steps write under 1 MB."""


class Pace:
    def __init__(self, recorder: Recorder, budget: float) -> None:
        self.recorder = recorder
        self.budget = budget
        """Share of the run's time."""
        self.cost = self.forgiven = 0.0
        """Of one sample, in seconds of processor time; what of all samples is not counted."""
        self.costs: list[float] = []
        self.cost_before = 0.0
        self.stage = self.stages = 0
        """Step at which the stage of the training began; how many began after the first."""

    def begin_stage(self) -> bool:
        """Another optimizer leads: will what follows be looked at like a beginning?"""
        if self.stages >= STAGES:
            return False
        self.stages += 1
        self.stage = self.recorder.step
        return True

    def may_sample(self, now: float) -> bool:
        """A sample is due: is it within the budget?"""
        recorder = self.recorder
        if recorder.step < DENSE_STEPS:
            return True
        written = recorder.log.bytes_written if recorder.log is not None else 0
        return self.may_spend(self.cost, now) and written <= BYTES_AT_START + BYTES_PER_STEP * recorder.step

    def may_spend(self, seconds: float, now: float) -> bool:
        """Work of so many seconds of processor time is within the budget."""
        recorder = self.recorder
        spent = recorder.own_seconds - recorder.probe_seconds - self.forgiven
        credit = CREDIT_SECONDS * min(1.0, math.log1p(recorder.step) / math.log1p(CREDIT_STEPS))
        credit += STAGE_SECONDS * self.stages
        return spent + seconds <= credit + 0.75 * self.budget * (now - (recorder.began or now))

    def begin_sample(self) -> int:
        """Steps from this sample to the next."""
        self.cost_before = self.recorder.own_seconds
        return max(1, min((self.recorder.step - self.stage) // SPACING, LONGEST_INTERVAL))

    def end_sample(self) -> None:
        """What one sample cost far above the usual is not taken from those to come, within bounds."""
        self.costs.append(self.recorder.own_seconds - self.cost_before)
        self.cost = statistics.median(self.costs)
        over = sum(max(0.0, one - UNUSUAL * self.cost) for one in self.costs)
        self.forgiven = min(FORGIVEN_SECONDS, over)
