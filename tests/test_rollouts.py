"""Minibatches of a rollout: which step and copy each row is of, and whether its advantage is the one of that step."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

pytestmark = pytest.mark.torch
STEPS, COPIES, DISCOUNT, SMOOTH = 48, 6, 0.98, 0.95


class Played:
    """A rollout as a program sees it, and as torchward does."""

    def __init__(self, critic_after_the_step: bool = False, flags: int = 2, alike: bool = False) -> None:
        torch = pytest.importorskip("torch")
        from torchward.runtime.rollouts import Rollouts

        self.recorder: Any = SimpleNamespace(step=0, sampling=True, guarded=lambda _part, function: function)
        self.rollouts = Rollouts(self.recorder)
        drawn = torch.Generator().manual_seed(0)
        self.states = torch.randn(STEPS + 1, COPIES, 3, generator=drawn)
        if alike:
            self.states[:] = torch.randn(5, 3, generator=drawn)[torch.arange(STEPS + 1) % 5][:, None]
        self.values = torch.randn(STEPS + 1, COPIES, generator=drawn)
        self.rewards = torch.randn(STEPS, COPIES, generator=drawn)
        self.ends = torch.rand(STEPS, COPIES, generator=drawn) < 0.06
        policy, critic, world = object(), object(), object()
        self.rollouts.begins()
        for step in range(STEPS):
            self.rollouts.asked(policy, (self.states[step],), {}, [torch.zeros(COPIES, 2)])
            if not critic_after_the_step:
                self.rollouts.asked(critic, (self.states[step],), {}, [self.values[step][:, None]])
            ends = self.ends[step].numpy()
            paid = self.rewards[step].double().numpy()
            self.rollouts.acted(world, paid, ends, ends if flags == 2 else None)
            if critic_after_the_step:
                self.rollouts.asked(critic, (self.states[step],), {}, [self.values[step][:, None]])
        self.rollouts.asked(critic, (self.states[STEPS],), {}, [self.values[STEPS][:, None]])
        self.recorder.step = 1

    def advantages(self, past_the_end: bool = False) -> Any:
        import torch

        found, total = torch.zeros(STEPS, COPIES), torch.zeros(COPIES)
        for step in reversed(range(STEPS)):
            goes_on = torch.ones(COPIES) if past_the_end else 1.0 - self.ends[step].float()
            error = self.rewards[step] + DISCOUNT * goes_on * self.values[step + 1] - self.values[step]
            found[step] = total = error + DISCOUNT * SMOOTH * goes_on * total
        return found

    def said(self, advantages: Any, targets: Any, rows: int = 96) -> Any:
        """Of a minibatch that is normalised."""
        import torch

        part = torch.randperm(STEPS * COPIES, generator=torch.Generator().manual_seed(1))[:rows]
        weights = advantages.flatten()[part]
        weights = (weights - weights.mean()) / weights.std()
        self.rollouts.trains((self.states[:-1].flatten(0, 1)[part],), {})
        return self.rollouts.judge(weights, [targets.flatten()[part]])


@pytest.mark.parametrize("critic_after_the_step", [False, True])
def test_the_rows_of_a_shuffled_minibatch_are_known(critic_after_the_step: bool) -> None:
    played = Played(critic_after_the_step)
    found = played.advantages()
    assert played.said(found, found + played.values[:-1]) == ("right", 96)
    assert played.rollouts.known == [(DISCOUNT, SMOOTH)]


def test_what_belongs_to_other_rows_is_named() -> None:
    values = Played().values[:-1]
    for name, change in (
        ("transposed", lambda one: one.T),
        ("transposed", lambda one: one.flatten().reshape(COPIES, STEPS).T),
        ("shifted", lambda one: one.roll(-1, 0)),
        ("shifted", lambda one: one.roll(1, 0)),
        ("reversed", lambda one: one.flip(0)),
    ):
        played = Played()
        found = played.advantages()
        wrong = change(found).reshape(STEPS, COPIES) if name == "transposed" else change(found)
        assert played.said(wrong, found + values) == (name, 96)
        played = Played()
        assert played.said(wrong, wrong + values) == (name, 96)


def test_sums_past_the_end_are_told_only_where_an_end_is_known_to_be_one() -> None:
    played = Played()
    found = played.advantages(past_the_end=True)
    assert played.said(found, found + played.values[:-1]) == ("across", 96)
    played = Played(flags=1)
    assert played.said(found, found + played.values[:-1]) == ("", 96)


def test_nothing_is_said_of_what_is_not_known() -> None:
    import torch

    played = Played()
    found = played.advantages()
    assert played.said(found, found + played.values[:-1], rows=24) is None  # too few
    noise = torch.randn(STEPS, COPIES, generator=torch.Generator().manual_seed(2))
    assert played.said(found + 0.01 * noise, found + noise) == ("", 96)
    played = Played(alike=True)
    assert played.said(found, found + played.values[:-1]) is None
    played = Played()
    played.recorder.step, played.recorder.sampling = 2, False
    played.rollouts.begins()  # acted in again, unseen
    assert played.said(found, found + played.values[:-1]) is None
