"""Losses that compare two answers, a preferred and a rejected one: do both belong to the same prompt?

Which two sequences are compared stands in the graph: the loss is a sigmoid's logarithm of differences, each operand is
a part of what was computed for a batch of sequences, and the lookup of their embeddings keeps the ids.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch

from torchward.runtime import graph, terms

NEAR_LOSS = 64
"""Nodes from the loss on among which the sigmoid stands."""
JUDGES = frozenset({"LogSigmoidBackward0", "SoftplusBackward0", "SigmoidBackward0"})
PARTS = frozenset(
    {
        "SplitBackward0", "SplitWithSizesBackward0", "SliceBackward0", "SelectBackward0", "UnbindBackward0",
    }
)  # fmt: skip
DEPTH = 24
"""Operations between the sigmoid and its operands."""
PAIRS = 4
"""Least number of pairs."""


class Compared(NamedTuple):
    pairs: int
    common: float
    """Tokens that the two sequences of a pair begin with in common, on average."""
    other: float
    """... if the batch were paired the other way: neighbours instead of halves, or halves instead of neighbours."""
    fewest: int
    """... in the pair, of these, that has the fewest."""


def compared(nodes: list[Any]) -> Compared | None:
    """None unless the loss compares rows of ids two by two. On the CPU only: numbers are read."""
    for node in nodes[:NEAR_LOSS]:
        if node.name() in JUDGES:
            signed = _operands(node.next_functions[0])
            if len(signed) == 2 and {sign > 0 for _, sign in signed} == {True, False}:
                one, two = (_rows(*key) for key, _ in signed)
                ids = _ids(signed[0][0][0]) if one is not None and two is not None else None
                if ids is not None and one is not None and two is not None and len(ids) == len(one) + len(two):
                    return _judged(ids, one, two)
    return None


def _operands(margin: terms.Key) -> list[tuple[terms.Key, float]]:
    """Parts of a batch, or what is no sum of others, that the margin adds up, each with its sign."""
    found: list[tuple[terms.Key, float]] = []
    queue = [(margin, 1.0)]
    for _ in range(DEPTH):
        if not queue:
            return found
        key, sign = queue.pop(0)
        if key[0] is None:
            continue
        steps = terms.operands(key[0]) if key[0].name() not in PARTS else None
        if steps is None:
            found.append((key, sign))
        else:
            queue += [(child, sign * factor) for child, factor in steps]
    return []


def _ids(node: Any) -> torch.Tensor | None:
    """Ids of the sequences that a value was computed of, (sequence, position)."""
    for one in graph.walk(node).nodes:
        ids = graph.saved(one, "_saved_indices") if one.name() == "EmbeddingBackward0" else None
        if ids is not None and ids.dim() == 2 and ids.is_cpu and len(ids) >= 2 * PAIRS:
            return ids
    return None


def _rows(node: Any, part: int) -> torch.Tensor | None:
    """Which rows of a batch the part of it is that `node` takes; None where it takes none."""
    if node.name() not in PARTS:
        return None
    before = tuple(int(size) for size in getattr(node, "_saved_self_sym_sizes", ()))
    if node.name() == "UnbindBackward0":
        before = graph.output_shape(node.next_functions[0][0]) or ()
    if not before or len(before) > 2:
        return None
    axis = _place(node._saved_dim, len(before))
    every = torch.arange(before[0] if len(before) < 2 else before[0] * before[1])
    whole = every.reshape(before)
    if node.name() == "SplitBackward0":
        return whole.split(int(node._saved_split_size), axis)[part].flatten()
    if node.name() == "SplitWithSizesBackward0":
        return whole.split([int(size) for size in node._saved_split_sizes], axis)[part].flatten()
    if node.name() == "SliceBackward0":
        start, end = (min(_place(one, before[axis]), before[axis]) for one in (node._saved_start, node._saved_end))
        chosen = torch.arange(start, end, int(node._saved_step))
        return whole.index_select(axis, chosen).flatten()
    index = part if node.name() == "UnbindBackward0" else _place(node._saved_index, before[axis])
    return whole.select(axis, index).flatten()


def _place(number: Any, size: int) -> int:
    """A place along an axis of this size, which autograd keeps unsigned where it is counted from the end."""
    place = int(number) - (2**64 if int(number) >= 2**63 else 0)
    return place + size if place < 0 else place


def _judged(ids: torch.Tensor, one: torch.Tensor, two: torch.Tensor) -> Compared | None:
    count = len(ids)
    every = torch.arange(count)
    partner = torch.full((count,), -1).scatter(0, one, two)
    if len(one) != len(two) or len(one.unique()) != len(one) or int(torch.cat([one, two]).max()) >= count:
        return None
    halves, neighbours = every.roll(count // 2), every ^ 1
    if bool((partner[one] == halves[one]).all()):
        other = neighbours
    elif bool((partner[one] == neighbours[one]).all()):
        other = halves
    else:
        return None
    common, elsewhere = (ids[one] == ids[two]).cumprod(1).sum(1), (ids == ids[other]).cumprod(1).sum(1)
    return Compared(len(one), float(common.float().mean()), float(elsewhere.float().mean()), int(elsewhere.min()))
