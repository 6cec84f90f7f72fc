"""Dense targets beside their images: each turn is known by its name, whatever the sizes; what moves values is seen."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from torchward.facts.dense import READINGS, TURNS

pytestmark = pytest.mark.torch
Turn = Callable[[Any], Any]

SQUARE: dict[str, Turn] = {
    "left-right": lambda maps: maps.flip(-1),
    "up-down": lambda maps: maps.flip(-2),
    "half turn": lambda maps: maps.flip((-2, -1)),
    "quarter turn": lambda maps: maps.rot90(1, (-2, -1)),
    "three quarter turn": lambda maps: maps.rot90(3, (-2, -1)),
    "transposed": lambda maps: maps.transpose(-2, -1),
    "other diagonal": lambda maps: maps.transpose(-2, -1).flip((-2, -1)),
}
OBLONG: dict[str, Turn] = {
    **{name: SQUARE[name] for name in TURNS[1:4]},
    "rows taken for columns": lambda maps: maps.transpose(-2, -1).reshape(maps.shape),
    "columns taken for rows": lambda maps: maps.reshape(*maps.shape[:-2], *maps.shape[:-3:-1]).transpose(-2, -1),
}


@pytest.fixture(name="torch")
def _torch() -> ModuleType:
    """Loaded when a test runs, not when it is collected."""
    return pytest.importorskip("torch")


@pytest.mark.parametrize(("size", "of"), [((20, 20), 20), ((20, 20), 40), ((128, 128), 64), ((100, 100), 100)])
@pytest.mark.parametrize("name", SQUARE)
def test_a_square_target_that_was_turned(torch: ModuleType, name: str, size: tuple[int, int], of: int) -> None:
    assert _best(torch, SQUARE[name], size, (of, of)) == TURNS.index(name)


@pytest.mark.parametrize("size", [(16, 24), (30, 18), (128, 256)])
@pytest.mark.parametrize("name", OBLONG)
def test_an_oblong_target_that_was_mirrored_or_read_in_another_order(
    torch: ModuleType, name: str, size: tuple[int, int]
) -> None:
    assert _best(torch, OBLONG[name], size, size) == READINGS.index(name)


def test_a_target_as_it_is(torch: ModuleType) -> None:
    assert _best(torch, lambda maps: maps, (24, 24), (24, 24)) == 0


def _best(torch: ModuleType, turn: Turn, size: tuple[int, int], of: tuple[int, int]) -> int:
    """The turn in which targets, once it is undone, go together best with images of the size `of`."""
    from torchward.runtime.orientations import _correlations, _described, _features

    generator = torch.Generator().manual_seed(0)
    coarse = torch.randn(12, 1, 6, 6, generator=generator)
    maps = torch.nn.functional.interpolate(coarse, size, mode="bicubic")
    images = torch.nn.functional.interpolate(maps, of, mode="area")
    images = images + 0.2 * torch.randn(images.shape, generator=generator)
    cells = min(32, size[0], of[0]), min(32, size[1], of[1])
    sums, _, counts = _correlations(_features(images, cells), _described(turn(maps).contiguous(), cells))
    size_of_each = (sums / counts.clamp(min=1)).abs().flatten(1).max(1).values
    first, second = size_of_each.topk(2).values.tolist()
    assert first > 2 * second
    return int(size_of_each.argmax())


def test_classes_are_looked_at_one_by_one(torch: ModuleType) -> None:
    from torchward.runtime.orientations import _described

    labels = torch.randint(0, 3, (4, 1, 16, 16), generator=torch.Generator().manual_seed(1))
    labels[:, :, 0] = 255
    assert _described(labels, (16, 16), 3)[0].shape == (4, 3 + 1, 16, 16)
    assert _described(labels, (16, 16))[0].shape == (4, 1 + 1, 16, 16)


def test_what_moves_values_after_the_last_layer(torch: ModuleType) -> None:
    from torchward.runtime.orientations import _moved

    layer = torch.nn.Conv2d(1, 2, 3, padding=1)
    made = layer(torch.randn(2, 1, 8, 8))
    straight = (
        made,
        made.sigmoid()[:, None].squeeze(1),
        torch.nn.functional.interpolate(made, size=16, mode="bilinear"),
        made.permute(0, 2, 3, 1),
        2 * made,
        torch.ones(1) - made,
    )
    assert not any(map(_moved, straight))
    turned = made.flip(3), 2 * made.transpose(2, 3), made.rot90(1, (2, 3)).sigmoid(), made.permute(0, 1, 3, 2)
    assert all(map(_moved, (*turned, torch.randn(2, 1, 8, 8))))
