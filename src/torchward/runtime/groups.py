"""Reads over which rows the advantages of a policy's loss are normalised, and whether these answer one prompt."""

from __future__ import annotations

import torch

from torchward.runtime.tensors import plain

FEWEST, ROWS = 8, 1_024
"""Rows of a batch."""
LEAST = 2
"""Rows of a group, and groups of a batch, at least."""
ZERO = 1e-3
"""Mean of a group's advantages as a share of the largest of them: rewards less their mean, rounded. Chance brings one
group near it, but not all of them in pass after pass."""

MIXED, ALONE, UNCLEAR = 1, 0, -1

Group = tuple[int, bool, int]
"""(size, do its rows follow each other or are they as far apart as there are groups, what of prompts: `MIXED` or
`ALONE` if no group, or every group, is of one prompt)."""


def groups(ids: torch.Tensor | None, weights: list[torch.Tensor]) -> list[Group] | None:
    """Ways to divide the rows into groups of equal size so that the advantages have mean 0 in each. None where there is
    nothing to look at: `ids` are to be the tokens that the policy was given."""
    if ids is None or not plain(ids) or ids.dim() != 2 or not ids.is_cpu or ids.dtype not in (torch.int64, torch.int32):
        return None
    rows = len(ids)
    if not FEWEST <= rows <= ROWS:
        return None
    advantages = next((one for weight in weights if (one := _one_each(weight, rows)) is not None), None)
    if advantages is None:
        return None
    found = []
    for size in range(LEAST, rows // LEAST + 1):
        if rows % size == 0:
            for follow in (True, False):
                if _centred(_divided(advantages, size, follow)):
                    found.append((size, follow, _prompts(ids, size, follow)))
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


def _prompts(ids: torch.Tensor, size: int, follow: bool) -> int:
    """Is each group of one prompt, or none, though the rows divided the other way are? A prompt is what all rows of a
    group begin with, where other groups begin otherwise."""
    own, other = _divided(ids, size, follow), _divided(ids, size, not follow)
    if _beginning(own):
        return ALONE
    shared = _beginning(other)
    heads = own[:, :, :shared]
    single = (heads == heads[:, :1]).flatten(1).all(1)
    return MIXED if shared and not bool(single.any()) else UNCLEAR


def _beginning(divided: torch.Tensor) -> int:
    """Tokens that the rows of every group begin with, if not all groups begin with the same; else 0."""
    shared = int((divided == divided[:, :1]).all(1).long().cumprod(1).sum(1).min())
    heads = divided[:, 0, :shared]
    return shared if bool((heads != heads[:1]).any()) else 0
