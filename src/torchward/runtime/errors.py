"""Errors that a loss written by hand makes of a prediction: their squares, their sizes, their means."""

from __future__ import annotations

import math
from typing import Any

import torch

from torchward.runtime import graph, terms

CHOICES = frozenset({"MaximumBackward0", "WhereBackward0"})
"""Which of two numbers is an error's size depends on its sign."""


DIFFERENCES = frozenset(
    {
        "SubBackward0", "MseLossBackward0", "SmoothL1LossBackward0", "HuberLossBackward0", "DistBackward0",
        "CdistBackward0", "EuclideanDistBackward0",
    }
)  # fmt: skip
"""Operations that compare two tensors of vectors."""


def between_computed(walked: graph.Walk) -> list[int]:
    """Lengths of the vectors that the loss takes the differences or distances of, where both were computed from
    parameters (a target or a fixed centre is not) and neither is one."""
    found = set()
    for position in walked.before_loss:
        node = walked.nodes[position]
        if node.name() not in DIFFERENCES:
            continue
        sides = {(child, output) for child, output in node.next_functions if child is not None}
        alive = [child for child, _ in sides]
        if len(sides) != 2 or any(map(graph.is_weight, alive)):
            continue
        lengths = [shape[-1] for shape in map(graph.output_shape, alive) if shape is not None and len(shape) > 1]
        if len(lengths) == 2 and lengths[0] == lengths[1]:
            found.add(lengths[0])
    return sorted(found)


def squared_error(root: Any) -> tuple[torch.Tensor, Any, float] | None:
    """(error, node of the prediction, its sign in the error) of a loss that is the mean of squared errors, as written
    by hand: `((a - b) ** 2).mean()`, `(a - b).square().mean()` or `(e * e).mean()`."""
    ends = terms.factors(root)[1]
    if len(ends) != 1:
        return None
    node, factor = ends[0]
    children = node.next_functions
    squares = node.name() == "PowBackward0" and terms.number_of(node, "_saved_exponent", 0.0) == 2
    error = graph.saved(node, "_saved_self")
    if not squares and not (node.name() == "MulBackward0" and children[0] == children[1]):
        return None
    if error is None or abs(factor * error.numel() - 1) > 1e-3:
        return None
    difference = values_of(children[0][0], error.numel())
    if difference is None or difference.name() not in ("SubBackward0", "RsubBackward1"):
        return None
    sides = [child for child, _ in difference.next_functions]
    alive = [child for child in sides if child is not None]
    if len(alive) != 1 or terms.number_of(difference, "_saved_alpha", 1.0) != 1:
        return None
    first = difference.name() == "SubBackward0" and sides[0] is not None
    prediction = values_of(alive[0], error.numel())
    return (error, prediction, 1.0 if first else -1.0) if prediction is not None else None


def averaged_error(root: Any) -> tuple[tuple[int, ...], tuple[int, ...], str] | None:
    """(shape of the errors, shape of what is squared, operation) of a loss that is nothing but squares or sizes of
    means over the signed errors of a prediction: errors of both signs have cancelled out by then."""
    ends = terms.factors(root)[1]
    node = ends[0][0] if len(ends) == 1 and ends[0][1] > 0 else None
    if node is None or node.name() not in terms.ERRORS | CHOICES:
        return None
    children = [child for child, _ in node.next_functions if child is not None]
    if node.name() == "PowBackward0" and terms.number_of(node, "_saved_exponent", 0.0) % 2:
        return None
    if node.name() == "MulBackward0" and (len(children) < 2 or children[0] is not children[1]):
        return None
    found = [_errors_averaged(child) for child in children]
    if not found or (node.name() in CHOICES and len(found) != 2) or any(one is not found[0] for one in found):
        return None  # a choice is one of two multiples of the same error, as of a quantile
    difference, after = found[0], graph.output_shape(node)
    if difference is None or after is None:
        return None
    alive = [child for child, _ in difference.next_functions if child is not None]
    before = graph.output_shape(difference)
    if len(alive) != 1 or before is None:
        return None
    # Means of fewer values than there are: factors of their own, such as quantiles, may have added an axis since.
    means = min(
        (shape for shape in map(graph.output_shape, children) if shape is not None), key=math.prod, default=after
    )
    if math.prod(before) < 2 * math.prod(means):
        return None
    return (before, after, graph.operation(node)) if graph.output_shape(alive[0]) == before else None


def _errors_averaged(below: Any) -> Any:
    """The difference whose mean `below` is, but for factors and another shape."""
    summed = False
    for _ in range(terms.DESCENT):
        if below is None or below.name() in ("SubBackward0", "RsubBackward1"):
            break
        alive = [child for child, _ in below.next_functions if child is not None]
        name = below.name()
        scaled = name in ("MulBackward0", "DivBackward0") and len(alive) == 1
        if not scaled and name not in graph.VIEWS | graph.SUMMING and terms.operands(below) is None:
            return None
        summed = summed or name in graph.SUMMING
        below = alive[0] if alive else None
    return below if summed else None


def values_of(node: Any, count: int) -> Any:
    """What made the values that `node` merely gives another shape; None where their number or order changes."""
    for _ in range(8):
        shape = graph.output_shape(node) if node is not None else None
        if shape is None or math.prod(shape) != count:
            return None
        if node.name() not in graph.RESHAPING | {"SelectBackward0", "SliceBackward0", "AliasBackward0"}:
            return node
        node = node.next_functions[0][0]
    return None
