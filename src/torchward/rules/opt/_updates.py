"""How far an optimizer moved its weights: the update-to-weight ratios of its weight matrices, step by step."""

from __future__ import annotations

import math
from statistics import median

from torchward.facts import Optimizer, Parameter, Run, Series, Training

SCALE_FREE = ("Embedding", "EmbeddingBag")
"""Layers of which a batch touches few rows: their ratio says how many, not how far."""


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
