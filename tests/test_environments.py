"""Environments of the program's own: what counts as one, and as the end of an episode."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

pytestmark = pytest.mark.torch


class Walk:
    """Ends at 3; the limit is 5 steps."""

    def __init__(self, said: str) -> None:
        self.said = said

    def reset(self) -> int:
        self.time = 0
        return 0

    def step(self, _action: int) -> tuple[Any, ...]:
        self.time += 1
        over, late = self.time == 3, self.time >= 5
        return {
            "over": (self.time, 1.0, over),
            "alive": (self.time, 1.0, not over),
            "over and late": (self.time, 1.0, False, late),
            "over, and won": (self.time, 1.0, over, over),
            "nothing": (self.time, "lost", over),
        }[self.said]


class Around:
    """Another class with the same methods, as wrappers and agents have them."""

    def __init__(self, inner: Walk) -> None:
        self.inner = inner

    def reset(self) -> int:
        return self.inner.reset()

    def step(self, action: int) -> tuple[Any, ...]:
        state, reward, *rest = self.inner.step(action)
        return (state, 0.5 * reward, *rest)


def played(said: str, wrapped: bool = False, episodes: int = 4) -> Any:
    """The episodes that are counted while this is played."""
    pytest.importorskip("torch")
    from torchward.runtime import environments
    from torchward.runtime.wrap import Patches

    rows: list[dict[str, Any]] = []
    recorder = SimpleNamespace(
        step=0,
        sampling=False,
        guarded=lambda _part, function: function,
        row=lambda kind, **fields: rows.append({"k": kind, **fields}),
    )
    found, patches = environments.Environments(recorder), Patches()  # type: ignore[arg-type]
    for owner in (Walk, Around):
        found._follow(owner, patches)
    environments._followed = found
    try:
        world: Any = Around(Walk(said)) if wrapped else Walk(said)
        for _ in range(episodes):
            world.reset()
            for _ in range(6):
                result = world.step(0)
                if any(flag is True for flag in result[2:]):
                    break
    finally:
        environments._followed = None
        patches.undo()
    assert not hasattr(Walk.step, "__wrapped__")
    return found


def test_an_end_is_one_that_is_followed_by_a_new_beginning() -> None:
    found = played("over").episodes
    assert (dict(found.lengths), found.limited, found.cut, found.steps) == ({3: 4}, 0, 0, 12)


def test_a_flag_that_says_something_else_is_not_taken_for_an_end() -> None:
    found = played(
        "alive"
    )  # stops at the first step of each episode here, as a loop would that waits for it to be False
    world = Walk("alive")
    assert sum(found.episodes.lengths.values()) <= 4
    found.acted(True, (1, 1.0, True), (world,), {})
    found.acted(True, (2, 1.0, True), (world,), {})  # it goes on
    assert Walk in found.others


def test_the_second_flag_is_a_limit_of_time_only_without_the_first() -> None:
    late = played("over and late").episodes
    assert (late.limited, late.cut, dict(late.lengths)) == (4, 0, {})
    won = played("over, and won").episodes
    assert (won.limited, won.cut, dict(won.lengths)) == (0, 4, {})


def test_the_outermost_of_several_is_counted_and_what_is_no_environment_is_left_alone() -> None:
    found = played("over", wrapped=True).episodes
    assert found.rewards == {0.5}
    assert dict(found.lengths) == {3: 4}
    assert Walk in played("nothing").others
