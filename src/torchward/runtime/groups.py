"""Reads over which rows the advantages of a policy's loss are normalised, and whether these answer one prompt."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch

from torchward.runtime import graph
from torchward.runtime.tensors import plain

FEWEST, ROWS = 8, 1_024
"""Rows of a batch."""
LEAST = 2
"""Rows of a group, and groups of a batch, at least."""
ZERO = 1e-3
"""Mean of a group's advantages as a share of the largest of them: rewards less their mean, rounded. Chance brings one
group near it, but not all of them in pass after pass."""

COLUMNS = 64
"""Calls with one number for each row that are kept."""

CROSSED, MIXED, ALONE, UNCLEAR = 2, 1, 0, -1

Group = tuple[int, bool, int]
"""(size, do its rows follow each other or are they as far apart as there are groups, what of prompts: `ALONE` if every
group is of one prompt; if none is, `MIXED` where groups of the same size would be that are laid the other way, and
`CROSSED` where those would be that have one row of each of these)."""


class Texts(NamedTuple):
    """What a policy wrote, row by row, behind its prompts."""

    ids: torch.Tensor
    ordered: bool
    """Prompts stand in front."""
    steps: bool
    """A row is known to be of several choices, none a step of its own in an environment."""


def texts(
    given: torch.Tensor | None, made: torch.Tensor | None, columns: list[torch.Tensor], nodes: list[Any]
) -> Texts | None:
    """The tokens that the policy was given last, or `columns`, what its parts were given one by one, if some of these
    are choices of the same rows that the graph of the loss holds: so are texts written."""
    if given is not None and given.dim() == 2 and of_ids(given):
        return Texts(given, True, made is not None and made.dim() == 3 and made.shape[:2] == given.shape)
    if len({len(column) for column in columns}) != 1:
        return None
    ids = torch.stack([column.long() for column in columns], 1)
    chosen = (one for node in nodes if (one := _choices(node)) is not None and len(one) == len(ids))
    again = any(bool((ids == one[:, None]).all(0).any()) and bool((one != one[0]).any()) for one in chosen)
    return Texts(ids, False, True) if again else None


def _choices(node: Any) -> torch.Tensor | None:
    """Which of the values in each row an operation takes."""
    if node.name() not in ("GatherBackward0", "NllLossBackward0"):
        return None
    index = graph.saved(node, "_saved_index" if node.name() == "GatherBackward0" else "_saved_target")
    return index.reshape(-1) if index is not None and plain(index) and index.is_cpu else None


def of_ids(given: torch.Tensor) -> bool:
    """One row of whole numbers, or one number, for each of a batch of rows."""
    return plain(given) and given.is_cpu and given.dtype in (torch.int64, torch.int32) and FEWEST <= len(given) <= ROWS


def groups(wrote: Texts | None, weights: list[torch.Tensor]) -> list[Group] | None:
    """Ways to divide the rows into groups of equal size so that the advantages have mean 0 in each. None where there is
    nothing to look at."""
    if wrote is None:
        return None
    rows = len(wrote.ids)
    advantages = next((one for weight in weights if (one := _one_each(weight, rows)) is not None), None)
    if advantages is None:
        return None
    found = []
    for size in range(LEAST, rows // LEAST + 1):
        if rows % size == 0:
            for follow in (True, False):
                if _centred(_divided(advantages, size, follow)):
                    found.append((size, follow, _prompts(wrote, size, follow)))
    return found


def _one_each(weights: torch.Tensor, rows: int) -> torch.Tensor | None:
    """One number for each row, of both signs, where all tokens of a row are weighed alike or masked."""
    if weights.shape[:1] != (rows,) or not weights.is_cpu:
        return None
    table = weights.detach().double().reshape(rows, -1)
    values = table.gather(1, table.abs().argmax(1, keepdim=True))
    alike = ((table == values) | (table == 0)).all()
    return values[:, 0] if bool(alike & (values.min() < 0) & (values.max() > 0)) else None


def _divided(rows: torch.Tensor, size: int, follow: bool) -> torch.Tensor:
    """(group, row of it, ...)"""
    count = len(rows) // size
    return rows.unflatten(0, (count, size)) if follow else rows.unflatten(0, (size, count)).transpose(0, 1)


def _centred(advantages: torch.Tensor) -> bool:
    """... and they are not all 0 but in one group at most."""
    largest = advantages.abs().amax(1)
    zero = advantages.mean(1).abs() <= ZERO * largest
    return bool(zero.all() & ((largest > 0).sum() >= LEAST))


def _prompts(wrote: Texts, size: int, follow: bool) -> int:
    """Is each group of one prompt, or none, though the rows divided in another way are? A prompt is what all rows of a
    group begin with, where other groups begin otherwise."""
    own = _divided(wrote.ids, size, follow)
    if _shared(own, wrote.ordered) is not None:
        return ALONE
    across = _shared(own.transpose(0, 1), wrote.ordered) if wrote.steps else None
    for kind, shared in (MIXED, _shared(_divided(wrote.ids, size, not follow), wrote.ordered)), (CROSSED, across):
        if shared is not None:
            heads = own[:, :, shared]
            single = (heads == heads[:, :1]).flatten(1).all(1)
            if not bool(single.any()):
                return kind
    return UNCLEAR


def _shared(divided: torch.Tensor, ordered: bool) -> torch.Tensor | None:
    """Which tokens are the same in the rows of every group, if not in all groups; `ordered`: from the first on."""
    same = (divided == divided[:, :1]).all(1).all(0)
    same = same.long().cumprod(0).bool() if ordered else same
    heads = divided[:, 0, same]
    return same if bool((heads != heads[:1]).any()) else None
