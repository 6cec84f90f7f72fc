"""Softmaxes in the graph of a loss: over which axis, of what, and how sure those are that attention sums by."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import torch

from torchward.runtime import graph, terms
from torchward.runtime.bounds import thinned

NEAR_LOSS = 64
"""Nodes from the loss on among which the function stands that it is made of."""
DEPTH = 12
PRODUCTS = ("BmmBackward0", "MmBackward0")
LINEAR = ("AddmmBackward0", *PRODUCTS)
SUM = "SumBackward1"
SCORES = (*PRODUCTS, "MvBackward0", SUM)
"""Operations that compare queries and keys, a sum of their products among them."""
OF_ONE = (graph.LEAF, "NativeLayerNormBackward0")
"""What is of a size of about 1 as it stands: a query that is itself learned, features that were normalised."""

NORM_KEPT = graph.CLAMPS | {"ExpandBackward0", "AddBackward0"}
"""Operations between a norm and the division by it."""

OF_TARGETS = graph.VIEWS | {"NegBackward0", "ToCopyBackward0"}
"""Operations between a logarithm of probabilities and its product with the targets."""
SAME = 1e-4
"""Largest difference between targets that are meant to be one number."""
ALIKE = 1e-3
"""Attention weights that differ by less, as a share, are those of the same token met twice."""


def misplaced_softmax(walked: graph.Walk, owner: graph.Owner) -> tuple[tuple[int, ...], int, str] | None:
    """A softmax over one axis whose result a matrix product sums over another: (shape, axis, feeding layer).

    The weights of a sum must add up to 1 along the axis that is summed. Only rearrangements of the result and dropout
    may stand between the two; the last axis of the left factor is summed, the last but one of the right factor. A sum
    that is written out counts where the softmax is over an axis with a single value: its weights are all 1.
    """
    for node in walked.nodes:
        if node.name() in ("SumBackward1", "MeanBackward1"):
            alone = _softmax_of_one(node)
            if alone is not None:
                shape = graph.output_shape(alone) or ()
                return shape, _from_front(alone._saved_dim, len(shape)), graph.feeding_layer(alone, owner)[0]
        if node.name() not in PRODUCTS:
            continue
        for place, (child, _) in enumerate(node.next_functions[:2]):
            found = _softmax_behind(child, place)
            if found is not None:
                softmax, summed = found
                shape = graph.output_shape(softmax) or ()
                axis = _from_front(softmax._saved_dim, len(shape))
                if axis != summed and shape[summed] > 1:
                    return shape, axis, graph.feeding_layer(softmax, owner)[0]
    return None


def summed_to_one(walked: graph.Walk, owner: graph.Owner) -> tuple[tuple[int, ...], int, str] | None:
    """A softmax that is used for nothing but to be summed over its own axis, which gives 1 whatever the scores are,
    beside a factor with a graph that is the same all along this axis, or before it is multiplied: (shape, axis, feeding
    layer). A sum that something is divided by, or that is compared with targets, is another matter."""
    above: dict[Any, list[Any]] = {}
    for node in walked.nodes:
        for child, _ in node.next_functions:
            if child is not None:
                above.setdefault(child, []).append(node)
    for node in walked.nodes:
        if node.name() != SUM or (isinstance(node._saved_dim, (tuple, list)) and len(node._saved_dim) != 1):
            continue
        for factor in _factors_along(node, above):
            behind = _behind(factor, None, node, lambda one: one.name() == "SoftmaxBackward0", False)
            shape = graph.output_shape(behind[0]) or () if behind is not None else ()
            if behind is None or _from_front(behind[0]._saved_dim, len(shape)) != behind[1] or shape[behind[1]] < 2:
                continue
            if _alone_up_to(behind[0], node, above):
                return shape, behind[1], graph.feeding_layer(behind[0], owner)[0]
    return None


def _factors_along(node: Any, above: dict[Any, list[Any]]) -> list[Any]:
    """What is summed, if the sum is then multiplied with something that has a graph; of a product of two, each of which
    the other is the same along the summed axis."""
    below = node.next_functions[0][0]
    if below is None or below.name() != "MulBackward0" or any(child is None for child, _ in below.next_functions):
        users = above.get(node, [])
        while len(users) == 1 and users[0].name() in graph.VIEWS:
            users = above.get(users[0], [])
        products = [one for one in users if one.name() in ("MulBackward0", *PRODUCTS)]
        whole = products and len(products) == len(users)
        return (
            [below] if whole and all(child is not None for one in products for child, _ in one.next_functions) else []
        )
    one, other = (child for child, _ in below.next_functions)
    shapes = graph.output_shape(one) or (), graph.output_shape(other) or ()
    axis = _summed_axis(node)
    if len(shapes[0]) != len(shapes[1]) or axis >= len(shapes[0]):
        return []
    pairs = ((one, shapes[1]), (other, shapes[0]))
    return [factor for factor, beside in pairs if beside[axis] == 1]


def _alone_up_to(node: Any, end: Any, above: dict[Any, list[Any]]) -> bool:
    """Between the two there is one way, and nothing else is made of what lies on it."""
    for _ in range(16):
        if node is end:
            return True
        users = above.get(node, [])
        if len(users) != 1:
            return False
        node = users[0]
    return False


def normalised_otherwise(walked: graph.Walk, owner: graph.Owner) -> tuple[tuple[int, ...], int, int, str] | None:
    """Vectors that are compared by their products, and were divided by their norms along another axis than the one that
    the products sum over: (shape, axis of the norm, axis that is summed, feeding layer)."""
    for node in walked.nodes:
        if node.name() not in PRODUCTS or any(child is None for child, _ in node.next_functions[:2]):
            continue
        found = [
            _behind(child, place, None, _divides_by_norm) for place, (child, _) in enumerate(node.next_functions[:2])
        ]
        axes = [(_norm_axis(one[0]), one[1], graph.output_shape(one[0]) or ()) for one in found if one is not None]
        if len(axes) == 2 and all(axis != summed and shape[summed] > 1 < shape[axis] for axis, summed, shape in axes):
            axis, summed, shape = axes[0]
            return shape, axis, summed, graph.feeding_layer(node.next_functions[0][0], owner)[0]
    return None


def _divides_by_norm(node: Any) -> bool:
    """Weights themselves may be kept to unit columns, as the factors of a matrix are."""
    divided = node.next_functions[0][0] if node.name() == "DivBackward0" else None
    return divided is not None and not graph.is_weight(divided) and _norm_of(node) is not None


def _norm_of(node: Any) -> Any:
    """The norm along one axis of a tensor that it is divided by, as `normalize` does; or None."""
    (divided, _), (divisor, _) = node.next_functions
    for _ in range(3):
        if divisor is not None and divisor.name() in NORM_KEPT:
            divisor = divisor.next_functions[0][0]
    if divisor is None or divisor.name() != "LinalgVectorNormBackward0" or divisor.next_functions[0][0] is not divided:
        return None
    return divisor if divisor._saved_keepdim and len(divisor._saved_dim) == 1 else None


def _norm_axis(node: Any) -> int:
    return _from_front(_norm_of(node)._saved_dim[0], len(graph.output_shape(node) or (0,)))


def classes_mixed(walked: graph.Walk, owner: graph.Owner) -> tuple[tuple[int, ...], tuple[int, ...], int, str] | None:
    """Scores whose class axis was taken apart by a reshape: (shapes before and after, class axis before, layer).

    From (batch, class, ...) to (rows, class): a row then holds scores of one class at neighbouring places. Where the
    last axis has as many values as there are classes it may be the one that is meant. Or from (batch, ..., class), as a
    linear layer makes them, to (batch, class, ...).
    """
    for node in walked.nodes[:NEAR_LOSS]:
        made = node.next_functions[0][0] if node.name() == "LogSoftmaxBackward0" else None
        if made is None or made.name() not in graph.RESHAPING:
            continue
        after, before = graph.output_shape(made) or (), graph.output_shape(made.next_functions[0][0]) or ()
        if len(after) < 2 or len(before) < 3 or _from_front(node._saved_dim, len(after)) != 1:
            continue
        layer, kind = graph.feeding_layer(made, owner)
        if len(after) == 2:
            apart, axis = before[1] == after[1] != before[-1], 1
        else:
            apart, axis = before[-1] == after[1] and kind == "Linear", len(before) - 1
        if apart and _reshaped(1, after, before) is None:
            return before, after, axis, layer
    return None


def smoothed(walked: graph.Walk) -> tuple[int, float, float] | None:
    """Targets that a loss weighs log-probabilities with, and that are one number for the right class and another for
    each of the others, alike in all rows: (classes, that of the right one, that of each other)."""
    for node in walked.nodes[:NEAR_LOSS]:
        if node.name() == "DivBackward0" and math.prod(graph.output_shape(node) or ()) > 1:
            return None  # perhaps by their sum
        children = [child for child, _ in node.next_functions]
        if node.name() != "MulBackward0" or children.count(None) != 1:
            continue
        softmax, shape = next(child for child in children if child is not None), graph.output_shape(node)
        for _ in range(4):
            if softmax is not None and softmax.name() in OF_TARGETS:
                softmax = softmax.next_functions[0][0]
        if softmax is None or softmax.name() != "LogSoftmaxBackward0" or graph.output_shape(softmax) != shape:
            continue
        targets = graph.saved(node, "_saved_self" if children[0] is None else "_saved_other")
        if targets is None or tuple(targets.shape) != shape or not targets.is_cpu or not targets.is_floating_point():
            continue
        axis = _from_front(softmax._saved_dim, targets.dim())
        rows = thinned(targets.movedim(axis, -1).flatten(0, -2).abs())
        if not len(rows) or rows.shape[1] < 3:
            continue
        high = rows.sort(1).values
        right, second, least = high[:, -1], high[:, -2], high[:, 0]
        one = (right - right[0]).abs().amax() <= SAME and (high[:, :-1] - least[0]).abs().amax() <= SAME
        if bool(one and (second > SAME).all() and (right - second > SAME).all()):
            return rows.shape[1], float(right[0]), float(least[0])
    return None


def _softmax_of_one(node: Any) -> Any:
    """The softmax over an axis of one value that gives a sum over an axis of several its weights, or None."""
    product = node.next_functions[0][0]
    if product is None or product.name() != "MulBackward0" or any(child is None for child, _ in product.next_functions):
        return None
    for child, _ in product.next_functions:
        shape, whole = graph.output_shape(child), graph.output_shape(product)
        if child.name() != "SoftmaxBackward0" or not shape or whole is None or len(shape) != len(whole):
            continue
        summed = node._saved_dim if isinstance(node._saved_dim, (tuple, list)) else (node._saved_dim,)
        alone = shape[_from_front(child._saved_dim, len(shape))] == 1
        if alone and any(shape[_from_front(axis, len(shape))] > 1 for axis in summed):
            return child
    return None


class Attention(NamedTuple):
    """A softmax that a matrix product, or a sum that is written out, sums by."""

    layer: str
    """That feeds it."""
    product: bool
    """A matrix product does."""
    positions: int
    peaked: float
    """Share of the rows at their extreme: one weight, or several that are alike (the same token twice), are above 0.99
    together, although four or more other positions may be looked at."""
    scale: float | None
    """Times that its scores are as large as the products of queries and keys divided by the root of their size; None if
    it is not known, or if these do not come from linear layers as they stand. A learned query or normalised features
    count where the scores are multiplied by more than 1: without any factor, many leave these as they are."""
    deviation: float
    """Of the scores of a row, mean over the rows; rows with a mask left out."""


def attention(walked: graph.Walk, owner: graph.Owner) -> list[Attention]:
    """A weight of 0 is a mask's, unless there is no mask. Sums that are written out: those of known scale only."""
    found: list[Attention] = []
    for node in walked.nodes:
        product = node.name() in PRODUCTS
        if len(found) >= 16 or not (product or _is_inner(node)):
            continue
        above = node if product else node.next_functions[0][0]
        for place, (child, _) in enumerate(above.next_functions[:2]):
            behind = _softmax_behind(child, place if product else None, node)
            weights = graph.saved(behind[0], "_saved_result") if behind is not None else None
            if behind is None or weights is None:
                continue
            axis = _from_front(behind[0]._saved_dim, weights.dim())
            if axis != behind[1] or weights.shape[axis] < 4:
                continue
            scale = _scale(behind[0], weights.shape[axis])
            if scale is None and not product:
                continue
            rows = weights.movedim(axis, -1).reshape(-1, weights.shape[axis])
            rows = rows[:: -(-rows.shape[0] // 512)].float()
            open_ = (rows > 0).sum(1) if _may_be_masked(behind[0]) else torch.full_like(rows[:, 0], rows.shape[1])
            top = rows >= (1 - ALIKE) * rows.amax(1, keepdim=True)
            free = open_ >= 4
            sure = ((rows * top).sum(1) > 0.99) & (2 * top.sum(1) <= open_)
            peaked = (sure & free).sum() / free.sum().clamp(min=1)
            whole = rows[(rows > 0).all(1)]
            deviation = float(whole.log().std(1).mean()) if len(whole) else math.nan
            layer = graph.feeding_layer(behind[0], owner)[0]
            found.append(Attention(layer, product, rows.shape[1], float(peaked), scale, deviation))
    return found


def _scale(softmax: Any, positions: int) -> float | None:
    factor, product = _linear_way(softmax.next_functions[0][0], SCORES)
    if product is None:
        return None
    above = product.next_functions[0][0] if product.name() == SUM else product
    size, of_one = (graph.output_shape(above) or (0,))[_summed_axis(product)] if above is not product else 0, False
    for child, _ in above.next_functions[:2]:
        share, layer = _linear_way(child, (*LINEAR, *OF_ONE))
        if layer is None:
            return None
        if layer.name() == graph.LEAF and positions in layer.variable.shape:
            return None  # keys that are themselves learned: entries of a codebook, which may be chosen sharply
        of_one |= layer.name() in OF_ONE
        shape = tuple(layer.variable.shape) if child.name() == graph.LEAF else graph.output_shape(child)
        size = size or (shape or (0,))[-1]
        factor *= share
    if not size or (of_one and abs(factor) <= 1):
        return None
    return abs(factor) * math.sqrt(size)


def _is_inner(node: Any) -> bool:
    """A sum over one axis of the products of two values that both have a graph."""
    if node.name() != SUM or (isinstance(node._saved_dim, (tuple, list)) and len(node._saved_dim) != 1):
        return False
    product = node.next_functions[0][0]
    return product is not None and product.name() == "MulBackward0" and all(key for key, _ in product.next_functions)


def _linear_way(node: Any, ends: tuple[str, ...]) -> tuple[float, Any]:
    """Down from a node, through views and products with numbers, to one of these operations: the product of the
    numbers, and that operation or None."""
    factor = 1.0
    for _ in range(DEPTH):
        if node is None or (node.name() in ends and (node.name() != SUM or _is_inner(node))):
            return factor, node
        steps = terms.operands(node)
        if steps is not None and len(steps) == 1:
            factor *= steps[0][1]
        elif node.name() not in graph.VIEWS:
            break
        node = next((child for child, _ in node.next_functions if child is not None), None)
    return factor, None


def _may_be_masked(softmax: Any) -> bool:
    """Between a softmax and the product that makes its scores stands something that could set scores to -inf."""
    node = softmax
    for _ in range(12):
        alive = [child for child, _ in node.next_functions if child is not None]
        if len(alive) != 1:
            return True
        node = alive[0]
        if node.name() in ("BmmBackward0", "MmBackward0"):
            return False
        if node.name() not in graph.VIEWS and node.name() not in ("MulBackward0", "DivBackward0"):
            return True
    return True


def _softmax_behind(node: Any, place: int | None, above: Any = None) -> tuple[Any, int] | None:
    """(the softmax that a factor of a matrix product is, the axis of it that the product sums over).

    Without a place among the factors: that the sum `above` sums over.
    """
    return _behind(node, place, above, lambda node: node.name() == "SoftmaxBackward0")


def _behind(
    node: Any, place: int | None, above: Any, is_end: Callable[[Any], bool], masked: bool = True
) -> tuple[Any, int] | None:
    """Down from a factor, through rearrangements and (`masked`) dropout, to such a node, and the axis of it that is
    summed."""
    axis: int | None = None
    for _ in range(16):
        shape = graph.output_shape(node) if node is not None else None
        if shape is None or len(shape) < 2:
            return None
        if axis is None:
            axis = len(shape) - 1 - place if place is not None else _summed_axis(above)
        name = node.name()
        if is_end(node):
            return node, axis
        child = next((child for child, _ in node.next_functions if child is not None), None)
        if name in ("TransposeBackward0", "TransposeBackward1", "TBackward0"):
            pair = (0, 1) if name == "TBackward0" else (node._saved_dim0, node._saved_dim1)
            first, second = (_from_front(value, len(shape)) for value in pair)
            axis = {first: second, second: first}.get(axis, axis)
        elif name == "PermuteBackward0":
            axis = _from_front(node._saved_dims[axis], len(shape))
        elif name in graph.RESHAPING:
            axis = _reshaped(axis, shape, graph.output_shape(child))
            if axis is None:
                return None
        elif masked and name == "MulBackward0" and any(child is None for child, _ in node.next_functions):
            pass  # dropout, or a mask
        elif name not in ("ExpandBackward0", "CloneBackward0", "NativeDropoutBackward0", "ToCopyBackward0"):
            return None
        node = child
    return None


def _summed_axis(node: Any) -> int:
    axes = node._saved_dim if isinstance(node._saved_dim, (tuple, list)) else (node._saved_dim,)
    return _from_front(axes[0], len(graph.output_shape(node.next_functions[0][0]) or (0,)))


def _from_front(axis: Any, axes: int) -> int:
    """An axis as autograd keeps it (unsigned, perhaps of a negative number), counted from the front."""
    axis = int(axis)
    return (axis - 2**64 if axis >= 2**63 else axis) % axes


def _reshaped(axis: int, shape: tuple[int, ...], before: tuple[int, ...] | None) -> int | None:
    """Where an axis of `shape` lay in the tensor that was reshaped; None if it was taken apart or joined."""
    for place, size in enumerate(before or ()):
        if (
            before is not None
            and size == shape[axis]
            and math.prod(before[:place]) == math.prod(shape[:axis])
            and math.prod(before[place + 1 :]) == math.prod(shape[axis + 1 :])
        ):
            return place
    return None
