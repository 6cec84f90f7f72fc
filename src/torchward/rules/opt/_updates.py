"""How far an optimizer moved its weights: the update-to-weight ratios of its weight matrices, step by step."""

from __future__ import annotations

import math
from statistics import median

from torchward.facts import Optimizer, Parameter, Run, Series, Training
from torchward.rules._progress import Progress

SCALE_FREE = ("Embedding", "EmbeddingBag")
"""Layers of which a batch touches few rows: their ratio says how many, not how far."""
NEAR_START = 0.7
"""A first loss below this share of what a model without knowledge has was reached by training elsewhere."""


def matrices(run: Run, optimizer: Optimizer) -> list[Parameter]:
    """Weights with two axes or more. Biases and norm weights start at 0 or 1: their ratios mean something else."""
    held = set(optimizer.parameters)
    return [
        parameter
        for parameter in run.parameters
        if parameter.index in held and len(parameter.shape) >= 2 and parameter.module_kind not in SCALE_FREE
    ]


def ratios(run: Run, optimizer: Optimizer) -> Series:
    """Per sampled step the median over `matrices` of |change| / |weights|; steps with non-finite weights left out."""
    by_step: dict[int, list[float]] = {}
    for parameter in matrices(run, optimizer):
        for step, ratio in zip(parameter.update_ratio.steps, parameter.update_ratio.values, strict=True):
            if math.isfinite(ratio):
                by_step.setdefault(step, []).append(ratio)
    steps = sorted(by_step)
    return Series(steps, [median(by_step[step]) for step in steps])


def leading(run: Run, training: Training) -> Optimizer | None:
    """The optimizer of a training that made most steps."""
    known = {optimizer.index: optimizer for optimizer in run.optimizers}
    found = [known[index] for index in training.optimizers if index in known]
    return max(found, key=lambda one: (one.steps, -one.index), default=None)


def trained_before(run: Run, optimizer: Optimizer, far: Progress) -> bool:
    """Weights that were loaded or that an earlier stage trained, or a first loss that no fresh model has."""
    for parameter in matrices(run, optimizer):
        steps = parameter.weight_norm.steps
        if parameter.loaded or (steps and steps[0] < far.training.first_step):
            return True
    loss = far.loss
    classes = loss.classes if loss is not None and loss.kind in ("cross_entropy", "nll_loss") else None
    return bool(classes and loss and loss.reduction == "mean" and far.start < NEAR_START * math.log(classes))


def is_rising(optimizer: Optimizer) -> bool:
    """The rate was still going up when the run (or the stage) ended."""
    rates = optimizer.lr.values
    return len(rates) > 1 and rates[-1] > 1.5 * rates[len(rates) // 2]
