"""Reads whether a policy that writes texts is rewarded for how many tokens it writes.

The loss weighs the log-probabilities of each row's tokens with one advantage, and a mask says which tokens count. Do
the longer rows have the larger advantages? Nothing here waits for an accelerator.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import torch

from torchward.runtime import graph, policies, terms

FEWEST, ROWS = 8, 256
"""Rows of a batch at least, and at most that are compared with each other."""
VALUES = 4_194_304
"""Of a mask, at most."""
CANDIDATES, NODES = 4, 64
"""Masks and weights, and look-ups and choices, that are looked at."""
GIVEN = 0.9
"""Share of the tokens chosen that are the next inputs, where a policy writes texts."""
LEAST_STEPS = 2
EVEN = 1e-3
"""Deviation, as a share of the mean, below which values are all the same: weight times length, of 1 / length."""
PASSED_ON = frozenset(
    {"WhereBackward0", "MaskedFillBackward0", "ClampBackward1", "ClampBackward0", "IndexBackward0"}
) | policies.EXTREMES  # fmt: skip
"""Operations that pass a slope on as it is, or not at all."""


class Spoken(NamedTuple):
    """Of one pass; scalars on the device of the loss."""

    follows: torch.Tensor
    """Rank correlation of length and how much likelier the loss makes a row; NaN where either does not differ."""
    mean: torch.Tensor
    """Of the rows' lengths."""
    usual: torch.Tensor
    """Share of the rows with the most usual length."""
    width: torch.Tensor
    """Columns in which any token counts: the longest row, where all begin in the same one."""
    alike: torch.Tensor
    """Share of the rows that begin with the most usual first token."""
    again: torch.Tensor
    """Share of the tokens chosen that the policy is given as its next input: it writes texts."""


class _Weight(NamedTuple):
    values: torch.Tensor
    """One for each row: above 0 where the loss is to make the row likelier."""
    usable: torch.Tensor
    """All tokens of a row are weighed alike or not at all, and they are more than a mask."""


def spoken(nodes: list[Any]) -> Spoken | None:
    """None: nothing to look at."""
    masks = _masks(nodes[: terms.NODE_LIMIT])
    sides = policies.fixed_sides_above_choices(nodes)
    fixed = [(node, one) for node, one in sides if 0 < one.dim() < 3 and one.numel() <= VALUES]
    rows = _rows(masks, [one for _, one in fixed])
    if rows is None:
        return None
    across = [one.T if one.shape[0] != rows else one for one in masks if rows in one.shape][:CANDIDATES]
    signs = _signs(nodes[0])
    tables, single, weights = list(across), list[torch.Tensor](), list[_Weight]()
    for node, one in fixed[:NODES]:
        table = _by_rows(one, rows)
        if table is None:
            continue
        (tables if table.shape[1] > 1 else single).append(table)
        if len(weights) < CANDIDATES and node in signs:
            below = next(child for child, _ in node.next_functions if child is not None)
            weights.append(_weight(-signs[node] * (policies.sign_of_choice(below) or 1.0), table))
    counted = _counted(tables[: 2 * CANDIDATES], single)
    written = _written(nodes, rows, counted) if weights and counted is not None else None
    return _judge(weights, counted, *written) if counted is not None and written is not None else None


def _masks(nodes: list[Any]) -> list[torch.Tensor]:
    """What tells of each token of a row whether it counts, as truth values."""
    found = []
    for node in nodes:
        name, mask = node.name(), None
        if name == "MulBackward0":
            mask = policies.fixed_side(node)
        elif name in ("WhereBackward0", "MaskedFillBackward0"):
            mask = graph.saved(node, "_saved_condition" if name[0] == "W" else "_saved_mask")
            mask = ~mask if mask is not None and mask.dtype == torch.bool and name[0] == "M" else mask
        if mask is None or mask.dtype != torch.bool or mask.dim() != 2 or min(mask.shape) < 2 or mask.numel() > VALUES:
            continue
        if policies.above_choice(node):
            found.append(mask)
    return found


def _rows(masks: list[torch.Tensor], fixed: list[torch.Tensor]) -> int | None:
    """How many texts there are: as a vector has elements, or as the first table has rows."""
    shapes = [one.shape for one in (*masks, *fixed)]
    single = next((one.numel() for one in fixed if one.numel() == max(one.shape) >= FEWEST), None)
    tables = [shape for shape in shapes if len(shape) == 2 and min(shape) > 1]
    if single is not None and (not tables or any(single in shape for shape in tables)):
        return single
    return tables[0][0] if tables and tables[0][0] >= FEWEST else None


def _by_rows(one: torch.Tensor, rows: int) -> torch.Tensor | None:
    """(row, token or 1)"""
    if one.numel() == rows:
        return one.reshape(rows, 1)
    if one.dim() != 2 or rows not in one.shape:
        return None
    return one if one.shape[0] == rows else one.T


def _weight(sign: float, table: torch.Tensor) -> _Weight:
    table = table.float()
    values = table.gather(1, table.abs().argmax(1, keepdim=True))
    alike = ((table == values) | (table == 0)).all()
    more = ~((table == 0) | (table == 1)).all() & (values != values[:1]).any()
    return _Weight(sign * values[:, 0], alike & more)


def _counted(tables: list[torch.Tensor], single: list[torch.Tensor]) -> torch.Tensor | None:
    """Does each token of each row count? By the first mask among tables, or else the first weights, which may have been
    masked; by masks of one step each where there are no tables."""
    if tables:
        counted = tables[0] != 0
        done = torch.zeros_like(counted[0, 0])
        for table in tables:
            if table.shape == counted.shape:
                binary = ((table == 0) | (table == 1)).all() & ~done
                counted, done = torch.where(binary, table != 0, counted), done | binary
        return counted
    if len(single) > LEAST_STEPS:
        stacked = torch.cat(single, 1)
        return (stacked == 1) & ((stacked == 0) | (stacked == 1)).all(0)
    return None


def _signs(root: Any) -> dict[Any, float]:
    """Node -> sign of the slope of the loss by what it made, on the shortest way; masks are taken for positive."""
    found, queue = {root: 1.0}, [root]
    while queue and len(found) < terms.NODE_LIMIT:
        node = queue.pop(0)
        steps = terms.operands(node)
        children = [(child, 1.0) for child, _ in node.next_functions if child is not None]
        if steps is not None:
            children = [(child, math.copysign(1.0, factor)) for (child, _), factor in steps]
        elif node.name() not in PASSED_ON and not (
            node.name() in ("MulBackward0", "DivBackward0") and len(children) == 1
        ):
            continue
        for child, sign in children:
            if child not in found:
                found[child] = found[node] * sign
                queue.append(child)
    return found


def _written(nodes: list[Any], rows: int, counted: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor] | None:
    """(share of the chosen tokens that the policy looks up as the next input, share of the most usual first token)"""
    given = [graph.saved(node, "_saved_indices") for node in nodes if node.name() == "EmbeddingBackward0"]
    chosen = [
        graph.saved(node, "_saved_index" if node.name() == "GatherBackward0" else "_saved_target")
        for node in nodes
        if node.name() in policies.CHOOSING
    ]
    asked, taken = _tokens(given, rows), _tokens(chosen, rows)
    if not asked or not taken:
        return None
    if taken[0].shape[1] == 1:
        one_each = [[one for one in found if one.shape[1] == 1] for found in (taken, asked)]
        if min(map(len, one_each)) < LEAST_STEPS:
            return None
        steps, inputs = (torch.cat(found, 1)[:ROWS] for found in one_each)
        same = (steps[:, :, None] == inputs[:, None]).all(0).any(1).float()
        return same.sum() / (steps.shape[1] - 1), _usual(steps[:, 0])  # the last one is not looked up
    tokens, length = taken[0], taken[0].shape[1]
    weighs = counted if counted.shape == tokens.shape else torch.ones_like(tokens)
    shares = []
    for one in asked[:CANDIDATES]:
        for count in (length, length - 1):  # all of them, or all but the last one
            if one.shape[1] > count > 0 or one.shape[1] == count == length - 1:
                equal = (one[:, -count:] == tokens[:, :count]) & weighs[:, :count].bool()
                shares.append(equal.sum() / weighs[:, :count].sum().clamp_min(1))
    first = tokens.gather(1, weighs.float().argmax(1, keepdim=True))[:ROWS, 0]
    return (torch.stack(shares).max(), _usual(first)) if shares else None


def _usual(values: torch.Tensor) -> torch.Tensor:
    """Share of the most usual value."""
    return (values[:, None] == values).float().mean(1).max()


def _tokens(found: list[torch.Tensor | None], rows: int) -> list[torch.Tensor]:
    """(row, token)"""
    whole = [one for one in found if one is not None and one.numel() % rows == 0 and one.numel() <= VALUES]
    shaped = [one.squeeze(-1) if one.dim() > 1 and one.shape[-1] == 1 else one for one in whole]
    return [one.reshape(rows, -1) for one in shaped if one.shape[0] == rows or one.dim() == 1][:NODES]


def _judge(weights: list[_Weight], counted: torch.Tensor, again: torch.Tensor, first_word: torch.Tensor) -> Spoken:
    lengths = counted.float().sum(1)
    width = counted.any(0).float().sum()
    # Numbers of both signs are advantages; of one sign may be rewards, if they are not 1 / length.
    both = [one.usable & (one.values.min() < 0) & (one.values.max() > 0) for one in weights]
    value, known = weights[0].values, torch.zeros_like(both[0])
    products = [one.values * lengths for one in weights]
    uneven = [
        (product.std() > EVEN * product.abs().mean()) & ~flag for product, flag in zip(products, both, strict=True)
    ]
    usable = [one.usable & flag for one, flag in zip(weights, uneven, strict=True)]
    for flag, one in (*zip(both, weights, strict=True), *zip(usable, weights, strict=True)):
        value, known = torch.where(flag & ~known, one.values, value), known | flag
    step = -(-len(lengths) // ROWS)
    value, lengths = value[::step], lengths[::step]
    counts = ((lengths > 0) | (value != 0)).float()  # a row that is weighed 0 may not tell its length
    total = counts.sum().clamp_min(1)
    first, second = _ranks(value, counts), _ranks(lengths, counts)
    first, second = ((one - (one * counts).sum() / total) * counts for one in (first, second))
    follows = (first * second).sum() / (first.square().sum() * second.square().sum()).sqrt()
    usual = ((lengths[:, None] == lengths).float() @ counts * counts).max() / total
    nothing = torch.full_like(follows, math.nan)
    mean = (lengths * counts).sum() / total
    return Spoken(torch.where(known, follows, nothing), mean, usual, width, first_word, again)


def _ranks(values: torch.Tensor, counts: torch.Tensor) -> torch.Tensor:
    """Mean ranks among the rows that count."""
    pairs = (values < values[:, None]).float() + 0.5 * (values == values[:, None]).float()
    return pairs @ counts
