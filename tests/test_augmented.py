"""What becomes of stored examples on their way to the model: boxes in their frames, small integers that run over."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import torch

pytestmark = pytest.mark.torch


def boxes(kind: str, size: float) -> list[list[float]]:
    import torch

    draw = torch.Generator().manual_seed(0)
    low = torch.rand(200, 2, generator=draw, dtype=torch.float64) * 0.8
    extent = 0.05 + torch.rand(200, 2, generator=draw, dtype=torch.float64) * (0.95 - low)
    parts = {"corners": (low, low + extent), "centre and size": (low + extent / 2, extent)}
    one, two = parts.get(kind, (low, extent))
    rows: list[list[float]] = (size * torch.cat([one, two], 1)).tolist()
    return rows


@pytest.mark.parametrize("size", [1.0, 64.0])
@pytest.mark.parametrize("kind", ["corners", "centre and size", "corner and size"])
def test_boxes_are_known_by_their_frame(kind: str, size: float) -> None:
    from torchward.runtime.mirrors import _kind_of_boxes

    assert _kind_of_boxes(boxes(kind, size), [[64.0, 64.0]] * 200) == (kind, size > 1)


def test_four_other_numbers_are_no_boxes() -> None:
    import torch

    from torchward.runtime.mirrors import _kind_of_boxes

    draw = torch.Generator().manual_seed(1)
    frames = [[64.0, 64.0]] * 200
    for scale, offset in ((1.0, 0.0), (0.1, 0.4), (5.0, -2.5)):
        rows = (scale * torch.rand(200, 4, generator=draw, dtype=torch.float64) + offset).tolist()
        assert _kind_of_boxes(rows, frames) is None


def stored(dtype: str = "uint8") -> list[torch.Tensor]:
    import torch

    draw = torch.Generator().manual_seed(2)
    span = 256 if dtype == "uint8" else 30_000
    return [(torch.rand(12, 12, generator=draw) * span).to(getattr(torch, dtype)) for _ in range(6)]


@pytest.mark.parametrize("factor", [1, 2, 3])
@pytest.mark.parametrize("dtype", ["uint8", "int16"])
def test_running_over_is_told_by_its_steps(factor: int, dtype: str) -> None:
    import torch

    from torchward.runtime.wraps import wrapped

    rows = stored(dtype)
    offset = torch.tensor(5_000 if dtype == "int16" else 100).to(rows[0].dtype)
    handed = [((row * factor + offset).float() - 7) / 31 for row in rows]
    found = wrapped(rows, handed)
    assert found is not None
    assert found.factor == factor


def test_what_stays_in_range_or_is_cut_off_does_not_run_over() -> None:
    import torch

    from torchward.runtime.wraps import wrapped

    rows = stored()
    mean = torch.stack(rows).float().mean(0)
    brighter = [row.float() + 64 * (place % 2) for place, row in enumerate(rows)]
    assert wrapped(rows, [row.float() / 255 for row in rows]) is None
    assert wrapped(rows, [row.float() - mean for row in rows]) is None
    assert wrapped(rows, brighter) is None
    assert wrapped(rows, [one.clamp(0, 255) for one in brighter]) is None
    assert wrapped(rows, [255 - row.float() for row in rows]) is None
    assert wrapped(rows, [(row.float() / 255) ** 2.2 for row in rows]) is None
    assert wrapped(rows, [(row.float() > 128).float() for row in rows]) is None
    assert wrapped(rows, [(row.float() / 64).floor() * 64 for row in rows]) is None
    assert wrapped(rows, [torch.where(row > 128, 255 - row.float(), row.float()) for row in rows]) is None
