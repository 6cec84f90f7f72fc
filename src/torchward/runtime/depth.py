"""How many weights lie one behind the other between a loss and the data, read off its graph."""

from __future__ import annotations

from heapq import heappop, heappush
from itertools import count
from typing import Any

from torchward.runtime.graph import NODE_LIMIT, RESHAPING, Walk, is_weight, leaf_of


def plain_depth(walked: Walk) -> int | None:
    """Least number of weight matrices and kernels on any way from loss to data, each counted once however often it is
    met. A residual connection, a second input or a penalty on weights is a short way; None where none ends."""
    root, number = walked.nodes[0], count()
    waiting: list[tuple[int, int, Any, Any]] = [(0, next(number), root, None)]
    nearer: dict[Any, Any] = {}
    """Node -> the next one on the shortest way to the loss."""
    while waiting and len(nearer) < NODE_LIMIT:
        passed, _, node, above = heappop(waiting)
        if node in nearer:
            continue
        nearer[node] = above
        children = {child for child, _ in node.next_functions if child is not None}
        ways = {child for child in children if not is_weight(child)}
        if not ways:
            return len(_matrices_on_way(node, nearer))
        passed += bool(_matrices(node))
        for child in ways:
            if child not in nearer:
                heappush(waiting, (passed, next(number), child, node))
    return None


def _matrices(node: Any) -> set[int]:
    """Identities of the weights of two axes or more that an operation is given."""
    weights = (child for child, _ in node.next_functions if child is not None and is_weight(child))
    return {id(leaf) for leaf in map(leaf_of, weights) if leaf.dim() >= 2}


def _matrices_on_way(node: Any, nearer: dict[Any, Any]) -> set[int]:
    found: set[int] = set()
    while node is not None:
        found |= _matrices(node)
        node = nearer[node]
    return found


def linear_chain(node: Any) -> list[list[int]] | None:
    """Shapes of the weight matrices from a model's output, made by `node`, back to the data, if nothing else lies on
    the way but biases and views: so the whole model is one matrix. None for any other."""
    shapes: list[list[int]] = []
    for _ in range(NODE_LIMIT):
        children = {child for child, _ in node.next_functions if child is not None}
        weights = set(filter(is_weight, children))
        ways = children - weights
        if node.name() in ("AddmmBackward0", "MmBackward0"):
            matrices = [leaf for leaf in map(leaf_of, weights) if leaf.dim() == 2]
            if len(matrices) != 1:
                return None
            shapes.append(list(matrices[0].shape))
        elif node.name() not in RESHAPING | {"AddBackward0"}:
            return None
        if not ways:
            return shapes
        if len(ways) > 1:
            return None
        node = ways.pop()
    return None
