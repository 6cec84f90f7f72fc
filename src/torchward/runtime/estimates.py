"""What numbers of the rows of a minibatch are: advantages and returns of their steps in a rollout, or of other steps?

Advantages are made anew from what was paid and what the critic said, as generalised advantage estimation makes them
(Schulman and others, 2016), with each of some discounts and lambdas, and compared exactly.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch

from torchward.runtime import returns
from torchward.runtime.moments import Table

LEAST_ROWS = 32
"""Of a minibatch, those that must be found in the rollout and have a known value. A fit has two free numbers and a few
hundred discounts to choose from: by chance, 32 rows do not agree to 5 digits."""
EXACT = 1e-7
"""Of the variance of the numbers, what may be left. Rounding of single precision left 1e-14, measured in sound and
broken agents; it grows where values are far larger than they differ. With `returns.EXACT`, pairs of a discount and a
lambda of nearly the same product were taken for one another while a critic knew nothing yet."""
FEW = 4
"""Pairs of a discount and a lambda up to which what is made with them is kept for other minibatches of a rollout."""
Pair = tuple[float, float]


def search(
    table: Table, pairs: list[Pair], wanted: list[tuple[torch.Tensor, bool]], places: torch.Tensor
) -> tuple[list[str], Pair | None]:
    """What each of the `wanted` is, (numbers of the rows at these places, they are of what a critic learns), and with
    which of the `pairs` of a discount and a lambda. That all is well is tried first."""
    kinds, found = [""] * len(wanted), None
    few = len(pairs) <= FEW
    kept = table.kept.setdefault(tuple(pairs), Kept(_supposed(table, pairs))) if few else None
    for wrong in (False, True):
        for one in kept if kept is not None else _supposed(table, pairs):
            if all(kinds) or (one.kind and not wrong):
                break
            for name, turned in _readings(table, places) if wrong and not one.kind else [(one.kind or "right", places)]:
                for which, (numbers, returned) in enumerate(wanted):
                    fit = None if kinds[which] else _fits(one, places, turned, numbers, returned)
                    if fit is not None:
                        kinds[which], found = name, one.pairs[fit]
    return kinds, found


class Supposed(NamedTuple):
    """How advantages may have been made."""

    kind: str
    """What is wrong with them; empty: nothing, though they may be read in a wrong order."""
    advantages: torch.Tensor
    """With each of the pairs."""
    values: torch.Tensor
    pairs: list[Pair]


class Kept:
    """What an iterator yields, made once and only as far as it is asked for."""

    def __init__(self, source: Iterator[Supposed]) -> None:
        self.source = source
        self.made: list[Supposed] = []

    def __iter__(self) -> Iterator[Supposed]:
        yield from self.made
        for one in self.source:
            self.made.append(one)
            yield one


def _supposed(table: Table, pairs: list[Pair]) -> Iterator[Supposed]:
    """First all those with nothing wrong."""
    rewards, over, ended = table.rewards, table.over, table.ended
    zeros = torch.zeros(len(rewards) + 1, rewards.shape[1], dtype=torch.float64)
    limited = over & ~ended if ended is not None else torch.zeros_like(over)
    for values, after in table.critics:
        cases = [(values[1:], rewards), (_open(values)[1:], rewards)]
        if bool(limited.any()):
            # What comes after a limit of time may have been put into the reward.
            cases.append((values[1:], torch.where(limited, torch.nan, rewards)))
        for following, paid in cases:
            yield Supposed("", _advantages(paid, values, following, ~over, ~over, pairs), values, pairs)
        if after is not None and ended is not None:
            yield Supposed("", _advantages(rewards, values, after, ~ended, ~over, pairs), values, pairs)
    sums = list(dict.fromkeys((discount, 1.0) for discount, _ in pairs))
    for values in (zeros, _open(zeros)):  # without a critic
        yield Supposed("", _advantages(rewards, values, values[1:], ~over, ~over, sums), values, sums)
    steps, copies = rewards.shape
    always = torch.ones_like(over)
    for values, after in table.critics:
        if ended is not None and bool(ended.any()):
            for goes_on, adds_up in ((always, ~over), (always, always), (~over, always)):
                advantages = _advantages(rewards, values, values[1:], goes_on, adds_up, pairs)
                yield Supposed("across", advantages, values, pairs)
            if after is not None:
                yield Supposed("across", _advantages(rewards, values, after, always, ~over, pairs), values, pairs)
        for flags, before in _misplaced(over):
            following = values[1:].clone()
            following[:before] = torch.nan
            yield Supposed("ends", _advantages(rewards, values, following, ~flags, ~flags, pairs), values, pairs)
        if copies > 1:
            turned, ends = (one.T.reshape(steps, copies) for one in (rewards, over))
            for adds_up in (~over, ~ends):
                advantages = _advantages(turned, values, values[1:], adds_up, adds_up, pairs)
                yield Supposed("transposed", advantages, values, pairs)


def _misplaced(over: torch.Tensor) -> Iterator[tuple[torch.Tensor, int]]:
    """Flags of other steps in the place of each step's own, and how many of the first of them are not known: of the
    step before, of the step after, of the last step for all of them."""
    if not bool(over[:-1].any()):
        return
    yield torch.cat([torch.zeros_like(over[:1]), over[:-1]]), 1
    yield torch.cat([over[1:], over[-1:]]), 0
    if bool(over[-1].any()):  # else it is as if there were no ends, which all may be by a limit of time
        yield over[-1:].expand_as(over), 0


def _open(values: torch.Tensor) -> torch.Tensor:
    """Without what is expected at the end."""
    return torch.cat([values[:-1], torch.full_like(values[-1:], torch.nan)])


def _advantages(
    rewards: torch.Tensor,
    values: torch.Tensor,
    following: torch.Tensor,
    goes_on: torch.Tensor,
    adds_up: torch.Tensor,
    pairs: list[Pair],
) -> torch.Tensor:
    """Generalised advantage estimation, (pairs, steps, copies), with each pair of a discount and a lambda: `following`
    is expected where the episode `goes_on`, and what comes after is added where it `adds_up`."""
    discounts, shares = torch.tensor(pairs, dtype=torch.float64).T[:, :, None]
    expected = torch.where(goes_on, following, 0.0)
    found, total = [], discounts.new_zeros(len(pairs), rewards.shape[1])
    for step in range(len(rewards) - 1, -1, -1):
        total = torch.where(adds_up[step], discounts * shares * total, 0.0)
        total = rewards[step] + discounts * expected[step] - values[step] + total
        found.append(total)
    return torch.stack(found[::-1], 1)


def _readings(table: Table, places: torch.Tensor) -> Iterator[tuple[str, torch.Tensor]]:
    """(name, where the numbers of the rows at these places come from), for each wrong order; -1 for none."""
    steps, copies = table.rewards.shape
    step, copy = places // copies, places % copies
    if copies > 1:
        yield "transposed", (places % steps) * copies + places // steps
        yield "transposed", copy * steps + step
    for shift in (1, -1):
        moved = step + shift
        yield "shifted", torch.where((moved >= 0) & (moved < steps), moved * copies + copy, -1)
    yield "reversed", (steps - 1 - step) * copies + copy


def _fits(
    one: Supposed,
    places: torch.Tensor,
    turned: torch.Tensor,
    numbers: torch.Tensor,
    returned: bool,
) -> int | None:
    """The one of the pairs with which the advantages at the places that were `turned` are the numbers, up to a factor
    and a number added to all; for what is `returned`, those and the values of the critic, turned or not."""
    flat, values = one.advantages.flatten(1), one.values[:-1].flatten()
    valid = turned >= 0
    found = flat[:, turned.clamp(min=0)]
    for add in (values[places], values[turned.clamp(min=0)]) if returned else (None,):
        sums = found if add is None else found + add
        known = valid & sums.isfinite().all(0)
        if int(known.sum()) < LEAST_ROWS:
            continue
        left = returns.unexplained(sums[:, known], numbers[known])
        if float(left.min()) < EXACT:
            return int(left.argmin())
    return None
