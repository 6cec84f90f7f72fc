"""Norms of two ranks, step by step: a comparison that several rules share."""

from __future__ import annotations

from collections.abc import Mapping

from torchward.facts import Parameter, Ranks, Series

STEPS = 4
"""Steps that both have sampled."""
SAME = 1e-3
"""Relative difference of norms below which they are the same number: the log keeps four digits."""
REPLICA = "DistributedDataParallel"
MOST = 0.8
"""Share of the weight matrices, or of the steps."""


def by_step(series: Series) -> Mapping[int, float]:
    return dict(zip(series.steps, series.values, strict=True))


def unlike(one: float, other: float, by: float) -> bool:
    """More than by this share of the larger one."""
    return abs(one - other) > by * max(abs(one), abs(other))


def same_gradients(one: Parameter, other: Parameter) -> bool:
    """At most of the steps that both have sampled."""
    here, there = by_step(one.grad_norm), by_step(other.grad_norm)
    common = sorted(set(here) & set(there))
    same = sum(not unlike(here[step], there[step], SAME) for step in common)
    return len(common) >= STEPS and same >= MOST * len(common)


def one_model(ranks: Ranks) -> bool:
    """The ranks train one model together: each calls a replica, or they average their gradients by hand."""
    if not all((run.group_size or 1) > 1 for run in ranks.runs):
        return False
    if any(run.replicas for run in ranks.runs):
        return all(any(model.wrapper == REPLICA for model in run.models) for run in ranks.runs)
    first = ranks.runs[0]
    for run in ranks.runs[1:]:
        there = {parameter.name: parameter for parameter in run.parameters}
        pairs = [
            (one, there[one.name])
            for one in first.parameters
            if len(one.shape) >= 2 and one.optimizers and one.name in there and one.shape == there[one.name].shape
        ]
        if not pairs or sum(same_gradients(one, other) for one, other in pairs) < MOST * len(pairs):
            return False
    return True
