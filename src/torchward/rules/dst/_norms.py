"""Norms of two ranks, step by step: a comparison that several rules share."""

from __future__ import annotations

from collections.abc import Mapping

from torchward.facts import Series


def by_step(series: Series) -> Mapping[int, float]:
    return dict(zip(series.steps, series.values, strict=True))


def unlike(one: float, other: float, by: float) -> bool:
    """More than by this share of the larger one."""
    return abs(one - other) > by * max(abs(one), abs(other))
