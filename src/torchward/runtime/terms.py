"""Reads a loss as a sum: which values it adds up, each with the factor that the graph gives it.

From the loss towards the model as long as operations are linear: sums, means, factors that are one number. Where that
ends stand the terms: squares, exponentials, loss functions. The pair exp(v), v is how a Kullback-Leibler divergence
from a normal distribution shows, however it was written.
"""

from __future__ import annotations

import math
from itertools import combinations
from typing import Any, NamedTuple

import torch

from torchward.runtime import graph

NODE_LIMIT = 256
"""Nodes near the loss that are looked at."""
PENALTY_LIMIT = 1_024
"""... where the weights of a model are added up, an operation or three for each."""
DESCENT = 8

Key = tuple[Any, int]
"""A node, and which of its outputs."""

SAME = graph.VIEWS | {"SumBackward0", "SumBackward1", "ReshapeAliasBackward0", "SqueezeBackward4"}
"""Each value of the operand enters with the factor of the result."""
PAIRED = frozenset({"ExpBackward0", "LogBackward0"})
"""Operations of which a divergence has one."""
DEVIATIONS = frozenset({"ExpBackward0", "SqrtBackward0", "SoftplusBackward0", "PowBackward0"})
"""What makes a deviation, which is positive, of a number."""
JUDGES = frozenset(
    {
        "MseLossBackward0", "SmoothL1LossBackward0", "HuberLossBackward0", "L1LossBackward0",
        "BinaryCrossEntropyBackward0", "BinaryCrossEntropyWithLogitsBackward0",
    }
)  # fmt: skip
"""Loss functions that compare value by value; with a reduction of their own."""
DISTANCES = frozenset(
    {"NormBackward0", "NormBackward1", "LinalgVectorNormBackward0", "PowBackward0", "AbsBackward0", "MulBackward0"}
)
"""What makes a distance of a difference."""
ERRORS = frozenset({"PowBackward0", "AbsBackward0", "MulBackward0"})
"""What makes an error of a difference between a prediction and its target."""
LEAST_CHANCE = 0.1
"""Bounds that are nearer to 0 and 1 are those of a probability."""
PARTNERS = 8
"""Differences that are compared with each other."""
LOGARITHMS = frozenset({"LogBackward0", "Log2Backward0", "BinaryCrossEntropyBackward0"})
"""Operations that take the logarithm of their operand."""
MIXING = graph.VIEWS | {
    "WhereBackward0",
    "SubBackward0",
    "RsubBackward1",
    "AddBackward0",
    "MulBackward0",
    "NegBackward0",
}
"""What makes 1 - p, or one of p and 1 - p, of probabilities before their logarithm is taken."""
ELEMENTWISE = {"PowBackward0": "_saved_self", "AbsBackward0": "_saved_self"}
NORMS = frozenset({"NormBackward0", "NormBackward1", "LinalgVectorNormBackward0"})
SIZES = NORMS | {"PowBackward0", "AbsBackward0", "MulBackward0"}
"""What makes the size of a weight."""


class Divergence(NamedTuple):
    """A divergence from a normal distribution among the terms."""

    factor: float
    """Of exp(v) in the loss: below 0, the divergence is made larger instead of smaller."""
    variance: torch.Tensor
    mean: torch.Tensor | None
    judged: float | None
    """Factor of one value of the reconstruction error, the largest such term."""
    node: Any
    """Of the exponential or the logarithm, ..."""
    error: Any
    """... and of that error."""


def factors(root: Any, stops: Any = (), limit: int = NODE_LIMIT) -> tuple[dict[Key, float], list[tuple[Any, float]]]:
    """(factor of every value on linear ways to the loss, (node, factor) where the ways end; at `stops` in any case)."""
    found: dict[Key, float] = {(root, 0): 1.0}
    ends: list[tuple[Any, float]] = []
    queue: list[Key] = [(root, 0)]
    while queue and len(found) < limit:
        key = queue.pop(0)
        node, factor = key[0], found[key]
        steps = operands(node) if node not in stops else None
        if steps is None:
            ends.append((node, factor))
            continue
        for (child, index), share in steps:
            if child.name() == graph.LEAF:
                continue
            known = found.get((child, index))
            found[child, index] = (known or 0.0) + factor * share
            if known is None:
                queue.append((child, index))
    return found, ends


def counts_evenly(root: Any, node: Any) -> bool:
    """All values that `node` made enter the loss with one factor: none is left out, masked or weighted."""
    queue = [root]
    for _ in range(32):
        if not queue:
            break
        current = queue.pop(0)
        if current is node:
            return True
        for (child, _), _ in operands(current) or ():
            before, after = graph.output_shape(child), graph.output_shape(current)
            kept = before is not None and after is not None and math.prod(before) == math.prod(after)
            if kept or current.name() not in graph.VIEWS:
                queue.append(child)
    return False


def operands(node: Any) -> list[tuple[Key, float]] | None:
    """(operand, its factor) of a linear operation; None for any other."""
    name = node.name()
    children = [(child, index) for child, index in node.next_functions]
    alive = [key for key in children if key[0] is not None]
    if name in ("AddBackward0", "SubBackward0"):
        second = number_of(node, "_saved_alpha", 1.0) * (-1.0 if name == "SubBackward0" else 1.0)
        return [(key, 1.0 if place == 0 else second) for place, key in enumerate(children) if key[0] is not None]
    if name in {"RsubBackward1", "NegBackward0"}:
        return [(key, -1.0) for key in alive[:1]]
    if name in ("MulBackward0", "DivBackward0"):
        if len(alive) != 1 or (name == "DivBackward0" and children[0][0] is None):
            return None
        number = _one(node, "_saved_other" if children[0][0] is not None else "_saved_self")
        if number is None or number == 0:
            return None
        return [(alive[0], number if name == "MulBackward0" else 1.0 / number)]
    if name in ("MeanBackward0", "MeanBackward1"):
        before, after = graph.output_shape(alive[0][0]), graph.output_shape(node)
        if before is None or after is None or alive[0][1]:
            return None
        return [(alive[0], math.prod(after) / max(1, math.prod(before)))]
    if name in SAME:
        return [(key, 1.0) for key in alive]
    return None


def number_of(node: Any, name: str, otherwise: float) -> float:
    try:
        return float(getattr(node, name))
    except (AttributeError, RuntimeError, TypeError, ValueError):
        return otherwise


def _one(node: Any, name: str) -> float | None:
    """A saved factor, if it is a single number on the CPU."""
    value = graph.saved(node, name)
    return float(value) if value is not None and value.numel() == 1 and value.device.type == "cpu" else None


def _chain(key: Key) -> list[Key]:
    """An operand, and what it is a positive multiple of."""
    found = [key]
    for _ in range(DESCENT):
        node = found[-1][0]
        name = node.name()
        children = [child for child in node.next_functions if child[0] is not None]
        if len(children) != 1 or children[0][0].name() == graph.LEAF:
            break
        if name in ("MulBackward0", "DivBackward0"):
            steps = operands(node)
            if steps is None or steps[0][1] <= 0:
                break
        elif name not in graph.VIEWS and name not in ("PowBackward0", "ClampBackward1", "AddBackward0"):
            break
        found.append(children[0])
    return found


def divergence(root: Any) -> Divergence | None:
    """The divergence of (mean, variance) from a normal distribution that is part of the loss, if there is one."""
    known, ends = factors(root)
    signs = dict(ends)
    for node, factor in ends:
        operand = next((child for child in node.next_functions if child[0] is not None), None)
        if operand is None or factor == 0:
            continue
        if node.name() == "ExpBackward0":
            # exp(v) and -v, with v the logarithm of the variance
            other = next((known[key] for key in _chain(operand) if key in known), None)
            variance, exponential, own = graph.saved(node, "_saved_result"), factor, node
        elif node.name() == "LogBackward0":
            # -log(s) and s ** 2
            square = next((end for end, _ in ends if end.name() == "PowBackward0" and _shares(end, operand)), None)
            variance = graph.saved(square, "_saved_self") if square is not None else None
            variance = variance.square() if variance is not None else None
            other, exponential, own = factor, signs.get(square, 0.0), square
        else:
            continue
        if variance is None or other is None or other * exponential >= 0:
            continue
        judged, error = _judged(ends, variance)
        return Divergence(exponential, variance, _mean(ends, own, variance, exponential), judged, own, error)
    return None


class Penalty(NamedTuple):
    """The size of a weight, or of several that were put side by side, among the terms of a loss."""

    leaves: list[torch.Tensor]
    kind: str
    """`squares`, `sizes` or `norm`."""
    factor: float


def penalties(walked: graph.Walk) -> tuple[list[Penalty], bool]:
    """(weights whose squares, sizes or norms are added to the loss, each with its factor; is nothing else in it
    differentiable?)"""
    if not any(_size_of(node) is not None for node in walked.nodes):
        return [], False
    found, ends = [], factors(walked.nodes[0], limit=PENALTY_LIMIT)[1]
    for node, factor in ends:
        size = _size_of(node) if factor > 0 else None
        if size is not None:
            found.append(Penalty(size[0], size[1], factor))
    return found, len(found) == len(ends)


def _size_of(node: Any) -> tuple[list[torch.Tensor], str] | None:
    """(leaves, kind) of an operation that takes squares, sizes or the norm of nothing but leaves."""
    name = node.name()
    if name not in SIZES:
        return None
    children = node.next_functions
    below, kind = children[0][0], "norm"
    if name == "MulBackward0":
        below, kind = (below if children[0] == children[1] else None), "squares"
    elif name == "AbsBackward0":
        kind = "sizes"
    elif name == "PowBackward0":
        below, kind = (below if number_of(node, "_saved_exponent", 0.0) == 2 else None), "squares"
        inner = graph.producer(below)
        if inner is not None and inner.name() in NORMS:
            below = inner.next_functions[0][0] if _is_euclidean(inner) else None
    elif not _is_euclidean(node):
        return None
    leaves = _leaves(below)
    return (leaves, kind) if leaves else None


def _is_euclidean(node: Any) -> bool:
    """Of all values, none left out, to one number."""
    power = number_of(node, "_saved_p", number_of(node, "_saved_ord", 2.0))
    return power == 2 and graph.output_shape(node) == ()


def _leaves(node: Any) -> list[torch.Tensor]:
    """The leaf that `node` is, or merely gives another shape, or those that it puts side by side."""
    for _ in range(4):
        if node is None:
            return []
        if node.name() == graph.LEAF:
            return [node.variable]
        if node.name() == "CatBackward0":
            parts = [_leaves(child) for child, _ in node.next_functions]
            return [leaf for part in parts for leaf in part] if all(parts) else []
        if node.name() not in graph.RESHAPING | {"TBackward0"}:
            return []
        node = node.next_functions[0][0]
    return []


def noise_of_code(nodes: list[Any], shape: tuple[int, ...]) -> torch.Tensor | None:
    """e in `mean + deviation * e`, values of that shape that a model draws its code by; a number without a graph."""
    added = {
        child
        for node in nodes
        if node.name() == "AddBackward0" and graph.output_shape(node) == shape
        for child, _ in node.next_functions
        if all(key is not None for key, _ in node.next_functions)
    }
    for node in added:
        children = [child for child, _ in node.next_functions]
        if node.name() != "MulBackward0" or len(children) != 2 or children.count(None) != 1:
            continue
        noise = graph.saved(node, "_saved_self" if children[0] is None else "_saved_other")
        if noise is None or noise.numel() < 4 or noise.shape[-1:] != shape[-1:]:
            continue
        below = next(child for child in children if child is not None)
        for _ in range(DESCENT):
            if below.name() in DEVIATIONS:
                low, high = float(noise.min()), float(noise.max())
                return noise if low < 0 < high or low == high else None
            alive = [child for child, _ in below.next_functions if child is not None]
            if len(alive) != 1 or alive[0].name() == graph.LEAF or graph.output_shape(below) != shape:
                break
            below = alive[0]
    return None


def _shares(square: Any, operand: Key) -> bool:
    child = next((child for child in square.next_functions if child[0] is not None), None)
    keys = _chain(operand)
    return child is not None and (any(key in keys for key in _chain(child)) or (square, 0) in keys)


def _mean(ends: list[tuple[Any, float]], skip: Any, variance: torch.Tensor, factor: float) -> torch.Tensor | None:
    """What is squared with the same factor, and has the same shape."""
    for node, own in ends:
        if node is skip or own * factor <= 0 or node.name() not in ("PowBackward0", "MulBackward0"):
            continue
        value = graph.saved(node, "_saved_self")
        if value is not None and value.shape == variance.shape:
            return value
    return None


def _judged(ends: list[tuple[Any, float]], variance: torch.Tensor) -> tuple[float | None, Any]:
    """(factor of one value, node) of the error that is the largest term beside the divergence."""
    found: list[tuple[float, Any]] = []
    for node, factor in ends:
        child = next((child for child, _ in node.next_functions if child is not None), None)
        shape = graph.output_shape(child) if child is not None else None
        if shape is None or factor <= 0 or shape == tuple(variance.shape):
            continue
        if node.name() in JUDGES:
            mean = number_of(node, "_saved_reduction", 0.0) == 1
            found.append((factor / (math.prod(shape) if mean else 1), node))
        elif node.name() in ELEMENTWISE:
            found.append((factor, node))
    return max(found, key=lambda one: one[0], default=(None, None))


def nearest_partner(nodes: list[Any]) -> tuple[torch.Tensor, torch.Tensor, int] | None:
    """(near, far, rows): of two differences between one output and two others, the largest value of each."""
    found: list[tuple[list[Key], torch.Tensor]] = []
    for node in nodes[:NODE_LIMIT]:
        if node.name() not in DISTANCES:
            continue
        value, below = graph.saved(node, "_saved_self"), node.next_functions[0][0]
        if below is not None and below.name().startswith("AddBackward"):  # eps
            below = below.next_functions[0][0]
        if value is None or value.dim() != 2 or value.shape[0] < 4 or value.shape[1] < 2 or below is None:
            continue
        sides = [key for key in below.next_functions if key[0] is not None and key[0].name() != graph.LEAF]
        if below.name() == "SubBackward0" and len(sides) == 2:
            found.append((sides, value))
    for (own, one), (others, two) in combinations(found[:PARTNERS], 2):
        if len({*own, *others}) == 3 and one.shape == two.shape:
            sizes = torch.stack([one.abs().max(), two.abs().max()]).float()
            return sizes.min(), sizes.max(), one.shape[0]
    return None


class Cut(NamedTuple):
    """Values that are cut off at the bounds of a probability before their logarithm is taken."""

    node: Any
    low: float
    high: float
    values: torch.Tensor
    """As they were before."""
    raw: bool
    """A layer with weights of its own made them, and nothing bounded them since."""


def cut_to_probabilities(walked: graph.Walk) -> Cut | None:
    """What `log(x.clamp(eps, 1 - eps))` or `log(1 - ...)` of it cuts off, close to the loss."""
    for position in sorted(walked.before_loss)[:NODE_LIMIT]:
        node = walked.nodes[position]
        if node.name() not in LOGARITHMS:
            continue
        level = [node]
        for _ in range(DESCENT):
            level = [child for above in level for child, _ in above.next_functions if child is not None][:PARTNERS]
            for child in level:
                if child.name() == "ClampBackward1":
                    low, high = (number_of(child, name, math.nan) for name in ("_saved_min", "_saved_max"))
                    values = graph.saved(child, "_saved_self")
                    if 0 <= low < LEAST_CHANCE and 1 - LEAST_CHANCE < high <= 1 and values is not None:
                        made = graph.producer(child.next_functions[0][0])
                        return Cut(child, low, high, values, made is not None and graph.has_weight(made))
            level = [child for child in level if child.name() in MIXING]
    return None


def adds_number(root: Any) -> bool:
    """A number without a graph stands among the sums of which the loss is made, a `0 + ...` perhaps."""
    queue = [root]
    for _ in range(32):
        if not queue:
            break
        node = queue.pop(0)
        if graph.output_shape(node) != () or node.name() not in graph.SCALING:
            continue
        children = [child for child, _ in node.next_functions]
        if node.name() in ("AddBackward0", "SubBackward0") and None in children:
            return True
        queue += [child for child in children if child is not None]
    return False


def constant_in(root: Any, value: float, known: dict[Any, float]) -> float | None:
    """What is left of the loss's `value` when all terms that have a graph are taken away; None if it cannot be told.

    `known`: values of loss functions by their nodes.
    """
    rest = value
    for node, factor in factors(root, known)[1]:
        size = known.get(node)
        size = _sum_of(node) if size is None else size
        if size is None:
            return None
        rest -= factor * size
    return rest


def _sum_of(node: Any) -> float | None:
    """Sum over the values that an operation made, as far as it kept what it needs for that."""
    name = node.name()
    result = graph.saved(node, "_saved_result")
    operand = graph.saved(node, "_saved_self")
    if result is not None:
        return float(result.double().sum())
    if operand is None:
        return None
    if name == "PowBackward0":
        return float((operand.double() ** number_of(node, "_saved_exponent", 2.0)).sum())
    if name == "AbsBackward0":
        return float(operand.double().abs().sum())
    other = graph.saved(node, "_saved_other")
    return float((operand.double() * other.double()).sum()) if name == "MulBackward0" and other is not None else None


class Derivative(NamedTuple):
    """A derivative by an input, taken without a graph of its own."""

    by: torch.Tensor
    shape: torch.Size
    node: Any
    """What was differentiated."""
    scalar: bool


def derivative(outputs: Any, inputs: Any, result: Any) -> Derivative | None:
    """What `torch.autograd.grad` was asked for, if it is a derivative by something that is no weight."""
    output = outputs if isinstance(outputs, torch.Tensor) else next(iter(outputs or ()), None)
    by = inputs if isinstance(inputs, torch.Tensor) else next(iter(inputs or ()), None)
    if not isinstance(output, torch.Tensor) or not isinstance(by, torch.Tensor) or not isinstance(result, tuple):
        return None
    taken = next((tensor for tensor in result if isinstance(tensor, torch.Tensor)), None)
    if taken is None or taken.requires_grad or output.grad_fn is None:
        return None
    if isinstance(by, torch.nn.Parameter) or not by.is_leaf or by.dim() == 0 or by.shape[0] < 2:
        return None
    return Derivative(by, by.shape, output.grad_fn, output.numel() == 1)


def is_lost(taken: Derivative, walked: graph.Walk, adds: bool) -> bool:
    """The loss is made of the derivative, and no gradient will pass through it.

    That the loss is made of it shows in a value without a graph among the operands, one for each row of the input, or
    one that is added at the end (`adds`).
    """
    nodes = set(walked.nodes)
    if taken.scalar and taken.node in nodes:
        return False  # the derivative of the loss itself: looked at, or an attack
    waiting, seen, shared = [taken.node], {taken.node}, False
    while waiting and not shared and len(seen) < NODE_LIMIT:  # a derivative of a derivative lies far from the output
        node = waiting.pop(0)
        shared = node in nodes
        found = [child for child, _ in node.next_functions if child is not None and child.name() != graph.LEAF]
        waiting += [child for child in found if child not in seen]
        seen.update(found)
    if adds:
        return True
    return shared and any(_bare_operand(walked.nodes[place], taken.shape[0]) for place in walked.before_loss)


def _bare_operand(node: Any, rows: int) -> bool:
    shape = graph.output_shape(node)
    children = [child for child, _ in node.next_functions]
    return (
        node.name() in ("AddBackward0", "SubBackward0")
        and children.count(None) == 1
        and bool(shape)
        and shape is not None
        and shape[0] == rows
    )
