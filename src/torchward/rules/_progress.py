"""How far the loss of a training has come: the one reading of a loss curve that several rules share."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import median

from torchward.facts import Loss, LossStream, Run, Series, Training

MINIMUM = 100
"""Values of a loss below which nothing is said about its course: warm-up and noise fill shorter runs."""
FALL = 0.05
"""A loss that lost less than this share of its first value has not fallen. TheDeepChecker (Ben Braiek & Khomh, TOSEM
2022) asks for 5 % per period, SageMaker Debugger's LossNotDecreasing for 0.1 % in 10 steps; here it is the whole run."""
RANGE = 100.0
ALIKE = 1.5
"""Folds of one task begin within a few per cent of each other; an unlucky draw of weights adds some tenths."""


@dataclass(frozen=True)
class Progress:
    """Start and end are medians over stretches, so single noisy batches do not matter."""

    training: Training
    stream: LossStream
    loss: Loss | None
    """The one training loss function under the stream, when there is exactly one."""
    count: int
    start: float
    """The highest of the medians of the first 5 values, the first thirtieth and the first tenth."""
    end: float
    """Median of the last fifth."""
    level: float | None
    """Loss of the best prediction that ignores the input, where it can be told."""

    @property
    def fell(self) -> bool:
        return self.end < self.start - FALL * abs(self.start)

    @property
    def halved(self) -> bool:
        """Learning went well: the loss is less than half of its first value."""
        return self.start > 0 and self.end < 0.5 * self.start

    @property
    def at_chance(self) -> bool:
        """The loss is no better than that of a prediction which ignores the input."""
        return self.level is not None and self.end >= self.level - FALL * abs(self.level)


def progress(run: Run, training: Training, least: int = MINIMUM) -> Progress | None:
    """None for a training whose loss need not fall, of several losses, or with fewer than `least` values."""
    if training.adversarial or len(training.losses) != 1 or is_range_test(run, training):
        return None
    stream = next((stream for stream in run.streams if stream.index == training.losses[0]), None)
    if stream is None:
        return None
    values = stream.values.between(training.first_step, training.last_step).values
    finite = [value for value in values if math.isfinite(value)]
    count = len(finite)
    if count < least:
        return None
    loss = _loss(run, training)
    return Progress(
        training=training,
        stream=stream,
        loss=loss,
        count=count,
        start=max(median(finite[: max(5, count // part)]) for part in (count, 30, 10)),
        end=median(finite[-max(10, count // 5) :]),
        level=_level(loss) if loss is not None and _one_task(run, loss) else None,
    )


def is_range_test(run: Run, training: Training) -> bool:
    """The rate rises a hundredfold and is still rising at the end: a search for the rate at which training fails."""
    for optimizer in run.optimizers:
        rates = optimizer.lr.values
        if (
            optimizer.index in training.optimizers
            and len(rates) > 1
            and rates[-1] > 1.5 * rates[len(rates) // 2]
            and rates[-1] >= RANGE * rates[0]
        ):
            return True
    return False


def longest(run: Run) -> Progress | None:
    """The progress of the training with most steps."""
    found = [one for training in run.trainings if (one := progress(run, training)) is not None]
    return max(found, key=lambda one: one.count, default=None)


def _loss(run: Run, training: Training) -> Loss | None:
    used = [
        loss
        for loss in run.losses
        if loss.training and len(loss.values.between(training.first_step, training.last_step)) > 1
    ]
    return used[0] if len(used) == 1 else None


def _one_task(run: Run, loss: Loss) -> bool:
    """Trainings of the run that share this loss begin at about the same value. Where they are of different targets, what
    is known of all of these together says nothing of one."""
    begun = [
        median(seen[:5]) for one in run.trainings if (seen := loss.values.between(one.first_step, one.last_step).values)
    ]
    return len(begun) < 2 or max(begun) <= ALIKE * min(begun)


def _level(loss: Loss | None) -> float | None:
    """Entropy of the classes, variance of the targets, or likelihood under one mean (and variance) for all.

    Classes must be nearly balanced and the accuracy no better than that of always naming the largest one: then class
    weights and label smoothing, which the facts do not tell, do not matter.
    """
    if loss is None or loss.reduction != "mean":
        return None
    if loss.kind == "mse_loss":
        return loss.target_std**2 if loss.target_std else None
    if loss.kind == "poisson_nll_loss":
        mean = loss.target_mean
        return mean - mean * math.log(mean) if mean is not None and mean > 0 else None
    if loss.kind == "gaussian_nll_loss":
        return 0.5 + math.log(loss.target_std) if loss.target_std else None
    total = sum(loss.target_values.values())
    if total < 50 or len(loss.target_values) < 2 or not loss.accuracy:
        return None
    shares = [number / total for number in loss.target_values.values()]
    entropy = -sum(share * math.log(share) for share in shares if share)
    recent = [value for value in loss.accuracy.values[-10:] if math.isfinite(value)]
    if entropy < 0.8 * math.log(len(shares)) or not recent:
        return None
    return entropy if sum(recent) / len(recent) <= 1.2 * max(shares) + 0.02 else None


def last(series: Series, count: int) -> Series:
    """Its last so many values."""
    return Series(series.steps[-count:], series.values[-count:])
