"""Errors that a loss written by hand makes of a prediction: their squares, their sizes, their means."""

from __future__ import annotations

import math
from typing import Any

import torch

from torchward.runtime import graph, terms
from torchward.runtime.tensors import thin

CHOICES = frozenset({"MaximumBackward0", "WhereBackward0"})
"""Which of two numbers is an error's size depends on its sign."""


DIFFERENCES = frozenset(
    {
        "SubBackward0", "MseLossBackward0", "SmoothL1LossBackward0", "HuberLossBackward0", "DistBackward0",
        "CdistBackward0", "EuclideanDistBackward0",
    }
)  # fmt: skip
"""Operations that compare two tensors of vectors."""
NODES = 64
NORMS = ("LinalgVectorNormBackward0", "NormBackward0", "NormBackward1")
COMPARING = ("MseLossBackward0", "SmoothL1LossBackward0", *NORMS)
"""Of two matrices, one number, or one for each row."""

MASK = 64
"""Values of a mask, at least."""
DROPPED = 0.75
"""Of values that are set to 0. Srivastava et al. 2014 drop 0.2 of the input and 0.5 of hidden units; graph attention
(Velickovic et al. 2018) takes 0.6."""


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


def draws(root: Any) -> list[int]:
    """Lengths of the vectors, both computed, that a loss draws together in pairs; none where it does anything else:
    weighs examples, has a margin or a target, or pushes vectors apart."""
    lengths: set[int] = set()
    waiting, seen = [(root, 1.0)], 0
    while waiting:
        node, sign = waiting.pop()
        seen += 1
        name, shape = node.name(), graph.output_shape(node)
        if shape is None or seen > NODES:
            return []
        alive = [child for child, _ in node.next_functions if child is not None]
        both = len(alive) == 2
        if len(shape) == 2:
            error = _both_of(node)
            pulls = sign < 0 if name == "MulBackward0" else sign > 0
            if not error or not pulls or shape[-1] < 2:
                return []
            lengths.add(shape[-1])
        elif name in COMPARING and (lower := graph.output_shape(alive[0])) is not None and len(lower) == 2:
            if not (_both_of(node) and sign > 0):
                return []
            lengths.add(lower[-1])
        elif name == "AddBackward0":
            waiting += [(child, sign) for child in alive]
        elif name == "SubBackward0":
            signs = (sign, -sign) if node.next_functions[0][0] is not None else (-sign, -sign)
            waiting += list(zip(alive, signs, strict=False))
        elif name in ("NegBackward0", "RsubBackward1"):
            waiting.append((alive[0], -sign))
        elif name in graph.SUMMING | graph.RESHAPING | {"SqrtBackward0"}:
            waiting.append((alive[0], sign))
        elif name in ("MulBackward0", "DivBackward0") and not both and (size := graph._constant_factor(node)):
            waiting.append((alive[0], sign if size > 0 else -sign))
        else:
            return []
    return sorted(lengths)


def _both_of(node: Any) -> bool:
    """A product of two computed tensors, the square or size of their difference, or a loss function of both."""
    children = [child for child, _ in node.next_functions]
    if node.name() in ("PowBackward0", "AbsBackward0", *NORMS):
        below = children[0]
        while below is not None and below.name() == "AddBackward1":
            below = below.next_functions[0][0]
        return below is not None and below.name() == "SubBackward0" and _both_of(below)
    if node.name() not in ("MulBackward0", "SubBackward0", "MseLossBackward0", "SmoothL1LossBackward0"):
        return False
    pair = node.next_functions[:2]
    known = len(pair) == 2 and None not in children[:2] and pair[0] != pair[1]
    return known and not any(map(graph.is_weight, children[:2]))


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


def target_by_hand(nodes: list[Any], output: torch.Tensor) -> torch.Tensor | None:
    """(A thinned sample of) what `output` is subtracted from before the difference is squared or its size is taken."""
    for node in nodes[: terms.NODE_LIMIT]:
        below = node.next_functions[0][0] if node.name() in terms.ERRORS else None
        if below is None or below.name() != "SubBackward0" or terms.number_of(below, "_saved_alpha", 1.0) != 1.0:
            continue
        sides = [child for child, _ in below.next_functions]
        rest = graph.saved(node, "_saved_self")
        if None in sides and output.grad_fn in sides and rest is not None and rest.shape == output.shape:
            sign = -1.0 if sides[0] is output.grad_fn else 1.0
            return thin(output).float() + sign * thin(rest).float()
    return None


def most_dropped(walked: graph.Walk, owner: graph.Owner) -> tuple[float, str] | None:
    """(share of the values that the strongest dropout sets to 0, layer in front of it), if that is `DROPPED` or more.

    On the CPU dropout is a product with a mask of 0 and 1 / (1 - p)."""
    found: tuple[float, Any] | None = None
    for place, node in enumerate(walked.nodes):
        if place in walked.before_loss:
            continue  # it may weigh examples
        share = None
        if node.name() == "NativeDropoutBackward0":
            share = float(node._saved_p) if isinstance(getattr(node, "_saved_p", None), float) else None
        elif node.name() == "MulBackward0" and [child for child, _ in node.next_functions].count(None) == 1:
            mask = graph.saved(node, "_saved_other") if node.next_functions[0][0] is not None else None
            if mask is not None and mask.is_cpu and mask.is_floating_point() and mask.numel() >= MASK:
                few = thin(mask)
                kept = few[few != 0]
                if (
                    0 < len(kept) < len(few)
                    and bool((kept == kept[0]).all())
                    and float(kept[0]) > 1 / (1 - DROPPED) - 1e-3
                ):
                    share = 1 - 1 / float(kept[0])
                    alike = abs(1 - len(kept) / len(few) - share) < 5 * math.sqrt(share * (1 - share) / len(few))
                    share = share if alike else None
        if share is not None and share >= DROPPED and (found is None or share > found[0]):
            found = share, node
    return (round(found[0], 4), graph.feeding_layer(found[1], owner)[0]) if found is not None else None
