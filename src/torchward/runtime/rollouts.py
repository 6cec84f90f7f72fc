"""Rollouts: what many copies of an environment paid in the steps between two updates, and what a policy and its critic
said of each of them, so that the rows of a shuffled minibatch can be told apart: of which step and which copy is each?

A rollout is gathered only where it lies in a sampled step, as the first one always does. Rows are known by a sum over
their values with irrational weights, as in `heldout`; a row that stands at several steps is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import torch

from torchward.runtime import returns
from torchward.runtime.actions import Actions
from torchward.runtime.estimates import LEAST_ROWS, Pair, search
from torchward.runtime.moments import Table, lay_out
from torchward.runtime.tensors import plain, tensors_in

if TYPE_CHECKING:
    from torchward.runtime.recorder import Recorder

MOST_ACTS = 16_384
"""Calls of `step` of one rollout; ..."""
MOST_CALLS = 8_192
"""... and calls of models beside them. Each costs some 20 us in a sampled step, and none in others."""
MOST_VALUES = 4_000_000
"""Numbers of all inputs that are kept of it: 16 MB."""
DISTINCT = 8
"""Different values among them at least: with two or three, as where rewards are few, anything may agree."""
FAILURES = 3
"""Rollouts of which nothing was explained, after which no other is looked at: rewards are made in another way."""
COMMON = ((0.9, 0.95, 0.97, 0.98, 0.99, 0.995, 0.999, 1.0), (0.9, 0.95, 0.97, 0.98, 1.0))
"""Discounts, and the lambdas of generalised advantage estimation, that are tried first, ..."""
ALL = (
    tuple(one for one in returns.DISCOUNTS if one >= 0.8),
    (0.0, 0.5, 0.8, 0.85, 0.9, 0.92, 0.94, 0.95, 0.96, 0.97, 0.98, 0.99, 1.0),
)
"""... and then, unless a rollout is long: with some 300 pairs, one of 128 steps in 16 copies takes 0.4 s at most."""
LONG = 256
FEW = 4
"""Pairs that were found before and are tried before all others."""


class Call(NamedTuple):
    """A model was asked without gradients."""

    acts: int
    """Calls of `step` before it."""
    module: int
    given: torch.Tensor
    made: list[tuple[int, torch.Tensor]]
    """(place, values) of what it made of one number for each row."""


class Gathering:
    """What happens between two optimizer steps, the first of which was so many steps after the start."""

    def __init__(self, step: int) -> None:
        self.step = step
        self.acts: list[tuple[int, Any, Any, Any]] = []
        """(environment, rewards, over, ended), arrays of one value for each copy; `ended` is None where nothing tells
        an end from a limit of time."""
        self.calls: list[Call] = []
        self.values = 0
        self.given: Any = None
        """Input of the last call, as it was given."""
        self.table: Table | None = None
        self.laid_out = False


class Rollouts:
    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.actions = Actions(recorder)
        self.coming: Gathering | None = None
        self.last: Gathering | None = None
        """The last one in which an environment was acted in; None if it was not gathered."""
        self.trained: list[torch.Tensor] = []
        """Inputs of calls that build a graph, ..."""
        self.trained_at = -1
        """... in this step."""
        self.known: list[Pair] = []
        """(discount, lambda) that were found before."""
        self.failures = 0
        self.asked, self.trains, self.judge, self.acted = (
            recorder.guarded("rollouts", one) for one in (self._asked, self._trains, self._judge, self._acted)
        )

    @property
    def gathering(self) -> bool:
        """An environment was acted in since the last step, and calls are kept."""
        coming = self.coming
        return coming is not None and coming.step == self.recorder.step and bool(coming.acts) and self._room(coming)

    def _room(self, coming: Gathering) -> bool:
        if self.failures >= FAILURES or not self.recorder.sampling or coming.values > MOST_VALUES:
            return False
        return len(coming.acts) < MOST_ACTS and len(coming.calls) < MOST_CALLS

    def begins(self) -> None:
        """The first act since an optimizer step: what was gathered before is past."""
        self.last = self._coming() if self.recorder.sampling else None

    def _coming(self) -> Gathering:
        if self.coming is None or self.coming.step != self.recorder.step:
            self.coming = Gathering(self.recorder.step)
        return self.coming

    def _acted(self, environment: Any, rewards: Any, over: Any, ended: Any) -> None:
        """In a sampled step, an environment was acted in."""
        coming = self._coming()
        if self._room(coming):
            self.last = coming
            coming.acts.append((id(environment), rewards, over, ended))
        else:
            self.last = None

    def _asked(self, module: Any, args: Any, kwargs: Any, returned: Sequence[torch.Tensor]) -> None:
        """In a sampled step, a model was asked without gradients, which are still switched off."""
        coming = self._coming()
        given = next(tensors_in((args, kwargs)), None)
        if given is None or not plain(given) or not given.is_cpu or not given.dim() or not self._room(coming):
            return
        acts = len(coming.acts)
        if given is coming.given and coming.calls[-1].acts == acts:
            kept = coming.calls[-1].given
        else:
            kept = given.clone()  # the program may write the next states into it
            coming.given = given
            coming.values += kept.numel()
        counts = (given.shape[0] if given.dim() > 1 else 1, given.numel() // given.shape[-1])
        # They are not copied: numbers that the program changed since would not agree with anything.
        made = [
            (place, one) for place, one in enumerate(returned) if one.numel() in counts and type(one) is torch.Tensor
        ]
        coming.calls.append(Call(acts, id(module), kept, made))

    def _trains(self, args: Any, kwargs: Any) -> None:
        """In a sampled step, a model is called in a pass that builds a graph."""
        if self.last is None or self.failures >= FAILURES:
            return
        if self.trained_at != self.recorder.step:
            self.trained, self.trained_at = [], self.recorder.step
        given = next(tensors_in((args, kwargs)), None)
        if given is not None and plain(given) and given.is_cpu and given.dim() > 1 and len(self.trained) < 8:
            self.trained.append(given.detach())

    def end_step(self) -> None:
        """A sampled step is over: inputs of passes are held no longer."""
        self.trained = []
        self.trained_at = -1
        self.actions.end_step()

    def _judge(self, weights: torch.Tensor | None, targets: Iterable[torch.Tensor]) -> tuple[str, int] | None:
        """What the weights of the choices in a minibatch, and what a critic learns, are in the last rollout; of how
        many rows. None: could not look. The names are those of `facts.Returns`."""
        last = self.last
        if last is None or self.failures >= FAILURES or self.trained_at != self.recorder.step:
            return None
        if not last.laid_out:
            last.table, last.laid_out = lay_out(last), True
        table = last.table
        if table is None:
            return None
        for given in self.trained:
            if given.numel() % table.width:
                continue
            places = table.find(given.reshape(-1, table.width))
            found = places >= 0
            if int(found.sum()) < LEAST_ROWS:
                continue
            fitting = [(one, False) for one in (weights,) if one is not None and one.numel() == len(places)]
            fitting += [(one, True) for one in targets if one.numel() == len(places)]
            wanted = [(one.detach().flatten().double()[found], returned) for one, returned in fitting]
            wanted = [one for one in wanted if one[0].unique().numel() >= DISTINCT]
            if wanted:
                return self._named(table, wanted, places[found]), int(found.sum())
        return None

    def _named(self, table: Table, wanted: list[tuple[torch.Tensor, bool]], places: torch.Tensor) -> str:
        kinds, found = search(table, self.known, wanted, places) if self.known else ([""] * len(wanted), None)
        if not any(kinds) and not table.searched:
            table.searched = True
            for discounts, shares in (COMMON, ALL) if len(table.rewards) <= LONG else (COMMON,):
                grid = [(discount, share) for discount in discounts for share in shares]
                kinds, found = search(table, grid, wanted, places)
                if any(kinds):
                    break
            self.failures = 0 if any(kinds) else self.failures + 1
            if found is not None:
                self.known = [found, *self.known][:FEW]
        wrong = next((kind for kind in kinds if kind not in ("", "right")), "")
        # Without an end, sums that go on past it look right too.
        ends = table.over if table.ended is None else table.ended
        return wrong or ("right" if "right" in kinds and bool(ends.any()) else "")
