"""Held-out examples that lie beside training examples as those of one unit do."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest

pytestmark = pytest.mark.torch
KINDS = ("normal", "heavy tails", "skewed", "near a plane", "four clusters")


@pytest.fixture(name="torch")
def _torch() -> ModuleType:
    """Loaded when a test runs, not when it is collected."""
    return pytest.importorskip("torch")


def share(trained: Any, held: Any) -> float:
    from torchward.runtime.units import mates

    found = mates(trained, held)
    assert found is not None
    return found[1] / found[0]


def made(torch: Any, kind: str, count: int) -> Any:
    generator = torch.Generator().manual_seed(0)
    normal = torch.randn(count, 12, generator=generator)
    plane = torch.randn(count, 2, generator=generator) @ torch.randn(2, 12, generator=generator)
    clusters = 8 * torch.randn(4, 12, generator=generator)[torch.arange(count) % 4]
    tails = torch.randn(count, 1, generator=generator).abs().clamp(min=0.1)
    each = (normal, normal / tails, (2 * normal).exp(), plane.tanh() + 0.02 * normal, normal + clusters)
    return dict(zip(KINDS, each, strict=True))[kind]


@pytest.mark.parametrize("kind", KINDS)
def test_examples_of_no_units_have_no_mates(torch: ModuleType, kind: str) -> None:
    x = made(torch, kind, 1_800)
    assert share(x[:1_500], x[1_500:1_756]) < 0.1


def test_mates_are_seen_where_units_stand_on_both_sides_alone(torch: Any) -> None:
    generator = torch.Generator().manual_seed(1)
    unit = torch.arange(250).repeat_interleave(8)
    x = torch.randn(250, 12, generator=generator)[unit] + 0.2 * torch.randn(2_000, 12, generator=generator)
    order = torch.randperm(2_000, generator=generator)
    assert share(x[order[:1_500]], x[order[1_500:1_756]]) > 0.8
    assert share(x[unit < 190], x[unit >= 190][:256]) < 0.2


def test_columns_of_few_values_are_not_judged(torch: Any) -> None:
    from torchward.runtime.units import mates

    assert mates(torch.randint(5, (1_500, 12)).float(), torch.randint(5, (200, 12)).float()) is None
