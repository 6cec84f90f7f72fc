"""Graphs that a batch lays one behind the other, as the graph of a loss tells: which nodes do the edges join?

Messages are added up to one row for each node, rows of nodes to one for each graph of the batch: then each node says of
which graph it is.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch

from torchward.runtime import graph, terms

ADDING = {
    "IndexAddBackward0": "_saved_index",
    "ScatterAddBackward0": "_saved_index",
    "ScatterReduceBackward0": "_saved_index",
}
"""Operations that add rows up -> where each goes to."""
TAKING = {"IndexSelectBackward0": "_saved_index", "IndexBackward0": "_saved_indices"}
"""Operations that take rows -> which ones."""
REPEATED = 2
"""Rows of a sum that are named more than once, at least."""
GRAPHS = 4
PASSES = 16
"""Of one loss, that are looked at."""


class Edges(NamedTuple):
    nodes: int
    graphs: int
    largest: int
    """Nodes of the largest graph."""
    reached: int
    """One more than the last node that an edge leads to or comes from."""


def of_batch(nodes: list[Any]) -> Edges | None:
    """None unless the loss is one of several graphs, and messages pass between their nodes. On the CPU only."""
    sums = [
        (graph.output_shape(node), index)
        for node in nodes[: terms.NODE_LIMIT]
        if (index := _index(node, ADDING)) is not None
    ]
    for shape, owner in sums:
        count = shape[0] if shape else 0
        if count < GRAPHS or len(owner) < 2 * count or not _in_order(owner, count):
            continue
        messages = [index for other, index in sums if other and other[0] == len(owner) and index is not owner]
        if not messages:
            continue
        taken = [index for node in nodes[: terms.NODE_LIMIT] if (index := _index(node, TAKING)) is not None]
        pairs = {len(index) for index in messages}
        ends = [*messages, *(index for index in taken if len(index) in pairs)]
        largest = int(torch.bincount(owner).max())
        return Edges(len(owner), count, largest, 1 + max(int(index.max()) for index in ends))
    return None


class Lost(NamedTuple):
    rows: int
    different: int
    """Rows that they were added to."""


def lost_in_place(nodes: list[Any]) -> Lost | None:
    """`sums[index] += values` with an index that names rows several times: only one value for each row is kept."""
    for node in nodes[: terms.NODE_LIMIT]:
        if node.name() != "IndexPutBackward0" or getattr(node, "_saved_accumulate", True):
            continue
        indices = [one for one in getattr(node, "_saved_indices", ()) if one is not None]
        if len(indices) != 1 or indices[0].dtype != torch.int64 or not indices[0].is_cpu:
            continue
        added, own = node.next_functions[-1][0], node.next_functions[0][0]
        if added is None or added.name() not in ("AddBackward0", "SubBackward0"):
            continue
        old = added.next_functions[0][0]
        itself = old is None if own is None else (old is not None and old.name() == "IndexBackward0")
        times = indices[0].unique(return_counts=True)[1]
        # One row alone may gather what is not wanted, as padding.
        if itself and int((times > 1).sum()) >= REPEATED:
            return Lost(indices[0].numel(), len(times))
    return None


def _in_order(owner: torch.Tensor, count: int) -> bool:
    """The graphs' nodes stand one behind the other, and each graph has some."""
    steps = owner.diff()
    return int(owner[0]) == 0 and int(owner[-1]) == count - 1 and bool(((steps == 0) | (steps == 1)).all())


def _index(node: Any, kinds: dict[str, str]) -> torch.Tensor | None:
    """One row number for each row that is added or taken."""
    name = kinds.get(node.name())
    if name is None:
        return None
    value = getattr(node, name, None)
    if isinstance(value, (tuple, list)):  # `rows[index]`
        value = value[0] if len(value) == 1 else None
    if kinds is ADDING and getattr(node, "_saved_dim", 0) != 0:
        return None
    if type(value) is not torch.Tensor or not value.is_cpu or value.dtype != torch.int64:
        return None
    if value.dim() == 2 and value.stride(1) == 0:  # one for all columns, as scatter wants it
        value = value[:, 0]
    return value if value.dim() == 1 and len(value) else None
