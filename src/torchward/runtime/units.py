"""Asks whether examples a model is evaluated on belong to the units (a patient, a caller, a machine) it was trained on.

Several examples of one unit lie closer together than examples of two units. Where they do, and the units of a held-out
example were trained on, its nearest training examples are its mates, and then comes a gap. Of points that are spread
evenly in d dimensions, the ratio of the distances of the nearest k + 1 and k exceeds r with probability r ** (-k * d)
(the ratio of Levina and Bickel, "Maximum Likelihood Estimation of Intrinsic Dimension", 2004); d is taken from the
distances beyond the gap. A held-out example has mates if that probability is below `CHANCE` at some k.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torchward.runtime.models import Root
    from torchward.runtime.recorder import Recorder

COLUMNS, LEAST_COLUMNS = 64, 4
DISTINCT = 0.5
"""Share of different values among those of a column, of at most `SAMPLE` examples: measured ones, not counts."""
SAMPLE = 256
TRAINED, LEAST_TRAINED = 2_000, 400
"""Training examples that are remembered, and that it takes."""
FROM_BATCH = 64
ASKED, LEAST_ASKED = 256, 64
"""The same of held-out ones at a line."""
OWN = 0.02
"""Share of the examples of a batch that were trained on, from which on it is not held out."""
COME_AGAIN = 0.5
"""Share of the examples of late training batches that came before: augmented ones never do, and lie near themselves."""
LOOKS = 4
MATES = 24
"""Most mates that are looked for ..."""
BEYOND = 64
"""... and the neighbour up to which the dimension is estimated from there on."""
CHANCE = math.exp(-9)
"""With 24 tries for each example, evenly spread ones are taken to have mates in 0.3 % of the cases. Measured: at most
3.5 % of held-out examples in 18 data sets without units, 10 % in 15 where whole units are held out; 50 to 100 % where
units were divided and their examples lie a third as far apart as the units."""


@dataclass
class _Site:
    rows: list[torch.Tensor] = field(default_factory=list)
    count: int = 0
    looks: int = 0
    next: int = LEAST_TRAINED
    """Training examples from which on it is looked at again."""


@dataclass
class _Known:
    """Of one model and shape."""

    rows: list[torch.Tensor] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)
    sites: dict[int, _Site] = field(default_factory=dict)


class Units:
    """On the CPU only."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.known: dict[tuple[int, tuple[int, ...]], _Known] = {}

    def trained_on(self, root: Root, given: torch.Tensor, keys: list[str]) -> None:
        """A sampled training call; `keys`: of its rows."""
        known = self.known.setdefault((root.index, tuple(given.shape[1:])), _Known())
        room = min(FROM_BATCH, TRAINED - len(known.keys))
        new = [place for place, key in enumerate(keys) if key not in known.keys][:room]
        if new:
            known.keys.update(keys[place] for place in new)
            known.rows.append(_narrow(given)[new])

    def asked(self, root: Root, given: torch.Tensor, own: float, again: float, site: int) -> None:
        """A call without gradients. `own`: share of its rows that were trained on; `again`: of late training rows,
        those that came before."""
        known = self.known.get((root.index, tuple(given.shape[1:])))
        if known is None or own > OWN or again < COME_AGAIN:
            return
        at = known.sites.setdefault(site, _Site())
        if at.looks >= LOOKS:
            return
        if at.count < ASKED:
            at.rows.append(_narrow(given)[: ASKED - at.count].clone())
            at.count += len(at.rows[-1])
        trained = len(known.keys)
        if at.count >= LEAST_ASKED and trained >= at.next:
            at.looks += 1
            at.next = 2 * trained if 2 * trained <= TRAINED else TRAINED if trained < TRAINED else trained + 1
            found = mates(torch.cat(known.rows), torch.cat(at.rows))
            if found is not None:
                row = {"n": found[0], "h": found[1], "c": round(found[2], 2), "t": trained}
                self.recorder.row("shu", m=root.index, s=self.recorder.step, site=site, **row)


def mates(trained: torch.Tensor, held: torch.Tensor) -> tuple[int, int, float] | None:
    """(held-out examples, those that have mates among the training ones, how many on average); None where too few
    columns are of measured values. Both: (examples, columns)."""
    few = trained[:SAMPLE]
    columns = [place for place in range(few.shape[1]) if few[:, place].unique().numel() >= DISTINCT * len(few)]
    if len(columns) < LEAST_COLUMNS or len(trained) < LEAST_TRAINED:
        return None
    trained, held = trained[:, columns].float(), held[:, columns].float()
    scale = trained.std(0)
    if not bool(torch.isfinite(scale).all() & torch.isfinite(held).all()):
        return None
    distances = torch.cdist(held / scale, trained / scale).topk(BEYOND, dim=1, largest=False).values
    distances = distances[distances[:, 0] > 0]  # a copy of a training example is another matter
    if len(distances) < LEAST_ASKED:
        return None
    logs = distances.log()
    dimension = math.log(BEYOND / MATES) / (logs[:, -1] - logs[:, MATES - 1]).clamp(min=1e-6)
    counts = torch.arange(1, MATES + 1)
    unlikely = dimension.clamp(max=len(columns))[:, None] * counts * (logs[:, 1 : MATES + 1] - logs[:, :MATES])
    best, place = unlikely.max(1)
    close = best > -math.log(CHANCE)
    return len(distances), int(close.sum()), float((place[close] + 1).float().mean()) if bool(close.any()) else 0.0


def _narrow(given: torch.Tensor) -> torch.Tensor:
    flat = given.detach().flatten(1)
    return flat[:, :: -(-flat.shape[1] // COLUMNS)]
