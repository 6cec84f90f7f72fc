"""Trained numbers that do nothing but scale a loss: nothing in it holds them, so that training takes them to 0.

A weight of a task that is learned needs a term that grows as the weight shrinks, such as the logarithm of a variance.
Whether there is one is read from the graph: the weight's parameter is reached as a factor of a loss, or otherwise too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import torch

from torchward.runtime import graph, terms

VALUES = 64
"""Numbers in a parameter that weighs losses, at most: one for each task."""
MOST = 8
"""Factors of one loss that are looked at."""
NODES = 24
"""Operations between a parameter and the weight that it stands for."""
BETWEEN = frozenset(
    {
        "ExpBackward0", "Exp2Backward0", "NegBackward0", "PowBackward0", "SoftplusBackward0", "SigmoidBackward0",
        "ReciprocalBackward0", "SqrtBackward0", "RsqrtBackward0", "AbsBackward0", "MulBackward0", "DivBackward0",
        "AddBackward0", "ReluBackward0", "ExpandBackward0", *graph.CLAMPS,
    }
)  # fmt: skip
"""What makes a weight of a parameter, value by value: a softmax, or a division by a sum, holds the weights together."""


class Scale(NamedTuple):
    leaf: torch.Tensor
    weight: torch.Tensor
    scaled: torch.Tensor
    """What is multiplied by it."""


def scales(walked: graph.Walk, trained: Callable[[torch.Tensor], Any]) -> Iterator[Scale]:
    """Factors of what the loss adds up, that are made of parameters alone which enter it in no other way."""
    if not walked.complete or not any(0 < leaf.numel() <= VALUES and leaf.dim() <= 1 for leaf in walked.leaves):
        return
    _, ends = terms.factors(walked.nodes[0])
    found: list[tuple[Any, int, list[Any], list[torch.Tensor]]] = []
    for node, factor in ends:
        if factor <= 0 or node.name() not in ("MulBackward0", "DivBackward0") or len(found) >= MOST:
            continue
        children = [child for child, _ in node.next_functions]
        if len(children) != 2 or None in children:
            continue
        for place in (0, 1) if node.name() == "MulBackward0" else (1,):
            nodes, leaves = _made(children[place])
            if leaves and all(trained(leaf) for leaf in leaves):
                found.append((node, place, nodes, leaves))
                break
    if not found:
        return
    own = {part for _, _, nodes, _ in found for part in nodes}
    multiplied = {node: place for node, place, _, _ in found}
    otherwise: set[int] = set()
    for node in walked.nodes:
        if node in own:
            continue
        for place, (child, _) in enumerate(node.next_functions):
            if child in own and multiplied.get(node) != place:
                otherwise |= {id(leaf) for leaf in _made(child)[1]}
    for node, place, _, leaves in found:
        if any(id(leaf) in otherwise for leaf in leaves):
            continue
        weight, scaled = graph.saved(node, "_saved_self"), graph.saved(node, "_saved_other")
        if node.name() == "DivBackward0":
            weight, scaled = scaled.reciprocal() if scaled is not None else None, weight
        elif place == 1:
            weight, scaled = scaled, weight
        if weight is not None and scaled is not None and weight.numel() and scaled.numel():
            yield Scale(leaves[0], weight, scaled)


def _made(node: Any) -> tuple[list[Any], list[torch.Tensor]]:
    """(nodes, leaves) of a value that is made of small parameters alone; no leaves if it is not."""
    nodes, leaves = [node], []
    for one in nodes:
        if one.name() == graph.LEAF:
            leaf = one.variable
            if not 0 < leaf.numel() <= VALUES or leaf.dim() > 1:
                return nodes, []
            leaves.append(leaf)
            continue
        if one.name() not in BETWEEN and one.name() not in graph.VIEWS:
            return nodes, []
        nodes += [child for child, _ in one.next_functions if child is not None and child not in nodes]
        if len(nodes) > NODES:
            return nodes, []
    return nodes, leaves
