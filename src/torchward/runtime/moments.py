"""Lays out what was gathered of a rollout as a table of (steps, copies): what was paid, which rows the models were
given, and what the critics among them said.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import torch

from torchward.runtime import returns

if TYPE_CHECKING:
    from torchward.runtime.rollouts import Call, Gathering

CRITICS = 4
FILLED = 0.8
"""Share of the steps of a rollout of which a critic must have said something."""
SAME_ROW = 1e-11
"""Difference of two sums over rows, as a share of the largest, that is rounding of double precision."""


class Critic(NamedTuple):
    """What one said in a rollout. NaN: nothing."""

    values: torch.Tensor
    """Of shape (steps + 1, copies)."""
    after: torch.Tensor | None
    """Of what each step led to, where that was asked for by itself: also of the last moment of an episode."""


class Table:
    """A rollout of so many steps in so many copies."""

    def __init__(self, rewards: torch.Tensor, over: torch.Tensor, ended: torch.Tensor | None) -> None:
        self.rewards, self.over = rewards, over
        self.ended = ended
        """Ends that are none by a limit of time; None where nothing tells them apart."""
        self.critics: list[Critic] = []
        self.width = 0
        """Numbers of one row of an input."""
        self.keys = torch.empty(0, dtype=torch.float64)
        self.places = torch.empty(0, dtype=torch.long)
        """In the order of their keys: step * copies + copy; -1 where rows of several places are the same."""
        self.searched = False
        """All discounts were tried."""
        self.kept: dict[Any, Any] = {}
        """What `estimates` made of it with a few discounts."""

    def remember(self, rows: torch.Tensor, places: torch.Tensor) -> None:
        """These rows, (count, width), stand at these places."""
        keys, order = _keys(rows).sort()
        places = places[order]
        near = torch.diff(keys) <= SAME_ROW * float(keys.abs().max())
        unlike = near & (torch.diff(places) != 0)
        ambiguous = torch.zeros(len(keys), dtype=torch.bool)
        ambiguous[1:] |= unlike
        ambiguous[:-1] |= unlike
        self.keys, self.places = keys, torch.where(ambiguous, -1, places)

    def find(self, rows: torch.Tensor) -> torch.Tensor:
        """The place of each row; -1 where it is not in the rollout, or not known."""
        keys = _keys(rows)
        right = torch.searchsorted(self.keys, keys).clamp(max=len(self.keys) - 1)
        left = (right - 1).clamp(min=0)
        nearest = torch.where((self.keys[right] - keys).abs() <= (self.keys[left] - keys).abs(), right, left)
        same = (self.keys[nearest] - keys).abs() <= SAME_ROW * float(self.keys.abs().max())
        return torch.where(same, self.places[nearest], -1)


def lay_out(gathered: Gathering) -> Table | None:
    """The last stretch of steps in one environment of several copies, or in several that take turns."""
    acts = gathered.acts
    turn = next((back for back in range(1, len(acts)) if acts[-1 - back][0] == acts[-1][0]), 0)
    if not turn:
        return None
    several, begin = len(acts[-1][1]), len(acts) - turn
    while begin and acts[begin - 1][0] == acts[begin - 1 + turn][0] and len(acts[begin - 1][1]) == several:
        begin -= 1
    steps, copies = (len(acts) - begin) // turn, turn * several
    begin = len(acts) - steps * turn
    if (turn > 1 and several > 1) or steps < returns.LEAST or steps * copies > returns.MOST_TOGETHER:
        return None
    rewards, over = (
        torch.stack([torch.from_numpy(one[which]) for one in acts[begin:]]).reshape(steps, copies) for which in (1, 2)
    )
    told = [torch.from_numpy(one[3]) for one in acts[begin:] if one[3] is not None]
    table = Table(rewards, over, torch.stack(told).reshape(steps, copies) if len(told) == len(acts) - begin else None)
    return table if _fill(table, gathered.calls, begin, turn) else None


def _fill(table: Table, calls: list[Call], begin: int, turn: int) -> bool:
    """Enter what the models were given, and what the critics among them said."""
    steps, copies = table.rewards.shape
    moments = {id(call): (call.acts - begin) // turn for call in calls if not (call.acts - begin) % turn}
    # Who acts is asked before each step; a critic may be asked of the same states after it.
    actor = next((call for call in calls if moments.get(id(call)) == 0 and _is_for(call, copies)), None)
    if actor is None:
        return False
    table.width = actor.given.numel() // copies
    at_once = [call for call in calls if id(call) in moments and call.given.numel() == actor.given.numel()]
    states: dict[int, torch.Tensor] = {}
    for call in at_once:
        moment = moments[id(call)]
        if call.module == actor.module and 0 <= moment <= steps:
            states[moment] = call.given.reshape(copies, table.width)  # the last one counts: after a new beginning
    for call in at_once:
        rows = call.given.reshape(copies, table.width)
        if moments[id(call)] == steps and not _same(rows, states.get(steps - 1)).any():
            states.setdefault(steps, rows)
    if len(states) < FILLED * steps:
        return False
    first = torch.tensor([moment * copies for moment in states])[:, None]
    table.remember(torch.cat(list(states.values())), (first + torch.arange(copies)).flatten())
    _hear(table, calls, moments, states)
    return True


def _is_for(call: Call, copies: int) -> bool:
    return copies == 1 or call.given.shape[0] == copies


def _same(rows: torch.Tensor, others: torch.Tensor | None) -> torch.Tensor:
    return (rows == others).all(1) if others is not None else torch.zeros(len(rows), dtype=torch.bool)


def _hear(table: Table, calls: list[Call], moments: dict[int, int], states: dict[int, torch.Tensor]) -> None:
    """Critics: what makes one number for each row."""
    steps, copies = table.rewards.shape
    said: dict[tuple[int, int], tuple[torch.Tensor, torch.Tensor]] = {}
    for call in calls:
        if call.given.numel() % table.width:
            continue
        rows = call.given.reshape(-1, table.width)
        heard = [
            (place, made.flatten().double())
            for place, made in call.made
            if made.numel() == len(rows) and made.is_cpu and made.is_floating_point()
        ]
        if not heard:
            continue
        places, before = _places(table, rows, moments.get(id(call)), states)
        for place, made in heard:
            values, after = said.setdefault(
                (call.module, place),
                (table.rewards.new_full((steps + 1, copies), torch.nan), torch.full_like(table.rewards, torch.nan)),
            )
            values.view(-1)[places[places >= 0]] = made[places >= 0]
            if before is not None:
                after.view(-1)[before] = made
    for values, after in said.values():
        if float((~values[:steps].isnan()).double().mean()) >= FILLED and len(table.critics) < CRITICS:
            own = torch.where(after.isnan(), values[1:], after) if bool(after.isfinite().any()) else None
            table.critics.append(Critic(values, own))


def _places(
    table: Table, rows: torch.Tensor, moment: int | None, states: dict[int, torch.Tensor]
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """The place of each row that a model was given, -1 for none; and the places of the steps that led to these rows,
    where they are what came of steps, the last moments of episodes among them."""
    steps, copies = table.rewards.shape
    if len(rows) == copies and moment is not None:
        for at in (moment, moment - 1):
            same = _same(rows, states.get(at))
            if 2 * int(same.sum()) > copies:
                places = at * copies + torch.arange(copies)
                led = places - copies if at > 0 and not bool(same.all()) else None
                return torch.where(same, places, -1), led
    places = table.find(rows)
    following = torch.arange(copies, (steps + 1) * copies)
    after_all = len(rows) == steps * copies and 2 * int((places == following).sum()) > len(rows)
    return places, following - copies if after_all else None


def _keys(rows: torch.Tensor) -> torch.Tensor:
    """A sum over each row."""
    places = torch.arange(1, rows.shape[1] + 1, dtype=torch.float64)
    return rows.double() @ ((places.sin() * 1e4) % 1 + 0.5)
