"""Which of two optimizers trains the generator and which the discriminator, told from what their losses reach."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median

from torchward.facts import Judged, Loss, LossStream, Run, Training

BINARY = ("binary_cross_entropy", "binary_cross_entropy_with_logits")
LEAST_STEPS = 200
STILL_RUNNING = 5_000
"""Steps of a run that goes on from which the state of its losses says something: many recover from a bad start."""


@dataclass(frozen=True)
class Adversaries:
    training: Training
    generator: LossStream
    discriminator: tuple[LossStream, ...]
    """One for each backward pass that it learns from: real and generated examples may have their own."""
    generator_models: frozenset[int]
    discriminator_models: frozenset[int]


def adversaries(run: Run) -> list[Adversaries]:
    """Trainings of two optimizers with binary losses, in which one loss reaches the parameters of both and trains one."""
    found: list[Adversaries] = []
    if not run.ended and run.steps < STILL_RUNNING:
        return found
    for training in run.trainings:
        if not training.adversarial or len(training.optimizers) != 2:
            continue
        if not any(loss.training and loss.kind in BINARY and _constant(loss) for loss in run.losses):
            continue
        held = {
            optimizer.index: set(optimizer.parameters)
            for optimizer in run.optimizers
            if optimizer.index in training.optimizers
        }
        streams = [stream for stream in run.streams if stream.index in training.losses and stream.leaves]
        both = [stream for stream in streams if all(own & set(stream.leaves) for own in held.values())]
        others = tuple(stream for stream in streams if stream not in both)
        if len(both) != 1 or not others:
            continue
        seen = {index for index, own in held.items() for stream in others if own & set(stream.leaves)}
        trained = _stepped_after(run, both[0].index)
        if len(seen) != 1 or trained is None or trained in seen or trained not in held:
            continue
        models = {index: _models(run, own) for index, own in held.items()}
        found.append(Adversaries(training, both[0], others, models[trained], models[seen.pop()]))
    return found


def judged(run: Run) -> Iterator[Judged]:
    """Models that are given data as well as what another one made, where each of the two is trained against the other."""
    trained = {
        model: {index for one in run.parameters if one.model == model for index in one.optimizers}
        for model in {index for pair in run.judged for index in (pair.model, pair.maker)}
    }
    for pair in run.judged:
        own, theirs = trained[pair.model], trained[pair.maker]
        adversarial = any(
            training.adversarial and own & set(training.optimizers) and theirs & set(training.optimizers)
            for training in run.trainings
        )
        if adversarial and not own & theirs:
            yield pair


def ends(stream: LossStream, least: int = LEAST_STEPS) -> tuple[float, float, float] | None:
    """(median of the first tenth, of the last quarter, least of all); None if it is short or was not finite."""
    values = list(stream.values.values)
    if len(values) < least or not all(map(math.isfinite, values)):
        return None
    return median(values[: len(values) // 10]), median(values[-(len(values) // 4) :]), min(values)


def _constant(loss: Loss) -> bool:
    """Its targets are one and the same, in the whole run or, where one line judges real and generated, in each call."""
    if loss.target_min is not None and loss.target_min == loss.target_max:
        return True
    return len(loss.batch_classes) > 1 and max(loss.batch_classes.values) == 1


def _models(run: Run, parameters: set[int]) -> frozenset[int]:
    return frozenset(one.model for one in run.parameters if one.index in parameters and one.model is not None)


def _stepped_after(run: Run, stream: int) -> int | None:
    """The optimizer that steps next after a backward pass from this loss, if it is always the same."""
    seen = set()
    for cycle in run.cycles:
        waiting = False
        for name, index in cycle.events:
            waiting = waiting or (name, index) == ("backward", stream)
            if waiting and name == "step":
                seen.add(index)
                waiting = False
    return seen.pop() if len(seen) == 1 else None
