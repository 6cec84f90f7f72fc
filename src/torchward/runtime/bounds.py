"""Scores that a loss takes a softmax of and that are products of vectors of equal length: how large can they become?

Products of normalised vectors lie between -1 and 1, times what they are multiplied with. How a program normalises does
not matter: the lengths of the vectors that were multiplied are measured, with the factors that they have by then.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import islice
from typing import Any, NamedTuple

import torch

from torchward.runtime import graph

NEAR_LOSS = 256
"""Nodes from the loss on among which its softmaxes stand."""
DEPTH = 24
"""Operations between a softmax and a product."""
MOST = 4
"""Softmaxes of one loss that are looked at."""
ROWS = 256
"""Vectors, and rows of scores, that are measured."""
FEWEST = 4
"""Vectors; of fewer it means little that they are as long as each other."""
UNEVEN = 0.01
"""Largest difference between the lengths of normalised vectors, as a share: half precision rounds each value by 0.4 %
at most."""
MASKED = -1e3
"""A choice whose log-probability is lower was ruled out by a mask."""

PICKS = ("NllLoss", "Gather", "Index", "Diagonal", "Select", "MaskedSelect", "Trace")
"""Beginnings of the names of operations by which a loss takes the log-probability of the right choice, ..."""
MASKS = {
    "MulBackward0": "_saved_other", "MaskedFillBackward0": "_saved_mask", "WhereBackward0": "_saved_condition",
}  # fmt: skip
"""... or those of several right ones, and zeros instead of the others; where these keep which."""
SUMMED = graph.VIEWS | {"SumBackward1", "MaskedFillBackward0", "WhereBackward0"}
ONE_CHILD = (
    (graph.VIEWS - {"CatBackward0", "StackBackward0"})
    | graph.CLAMPS
    | {"NegBackward0", "RsubBackward1", "MaskedFillBackward0", "IndexPutBackward0"}
)
"""Operations that leave the range of scores as wide as it is, but for values that a mask puts in."""
FILLING = frozenset({"WhereBackward0", "torch::autograd::CopySlices"})
"""... which they may put in from somewhere else, too."""
SHIFTS = frozenset({"AddBackward0", "SubBackward0"})
ENDS = frozenset({"MmBackward0", "BmmBackward0", "SumBackward1"})
FACTORS = frozenset({"MulBackward0", "MulBackward1", "DivBackward0"})


class Bounded(NamedTuple):
    place: int
    """Among the softmaxes of the loss."""
    picked: Any
    """Operation that takes the right choice."""
    bound: torch.Tensor
    """Size that no score can exceed while the factors stay."""
    uneven: torch.Tensor
    """Largest difference between the lengths of the vectors, as a share of the largest."""
    choices: torch.Tensor
    """Of a row, masked ones left out; the fewest."""
    width: torch.Tensor
    """Largest difference between two scores of a row, masked ones left out."""


class _Size(NamedTuple):
    bound: torch.Tensor
    uneven: torch.Tensor


_UNMEASURED = _Size(torch.ones(()), torch.zeros(()))


def bounded(nodes: list[Any], skip: set[int]) -> list[Bounded]:
    """Softmaxes over products of vectors close to the loss, of which it takes given choices; not those at `skip`."""
    found: list[Bounded] = []
    for place, (picked, softmax, axis) in enumerate(islice(_softmaxes(nodes[:NEAR_LOSS]), MOST)):
        size = _size(softmax.next_functions[0][0]) if place not in skip else None
        rows = _rows(softmax, axis) if size is not None else None
        if size is not None and rows is not None:
            most = rows.amax(1, keepdim=True)
            open_ = rows > most + MASKED
            least = torch.where(open_, rows, most).amin(1)
            found.append(Bounded(place, picked, *size, open_.sum(1).min().float(), (most[:, 0] - least).max()))
    return found


def thinned(values: torch.Tensor) -> torch.Tensor:
    return values[:: -(-values.shape[0] // ROWS)].float()


def _softmaxes(nodes: list[Any]) -> Iterator[tuple[Any, Any, Any]]:
    """(what takes the right choice, softmax, its logarithm, or the (logarithm of the) sum of exponentials, axis)."""
    seen: set[Any] = set()
    for node in nodes:
        name, picked = node.name(), None
        softmax = axes = node
        if name == "LogSoftmaxBackward0":
            picked = _picked_before(node, nodes)
        elif name == "LogsumexpBackward0":
            picked = _compared(node, nodes)
        elif name == "LogBackward0":
            softmax = axes = graph.producer(node.next_functions[0][0])
            if softmax is None:
                continue
            if softmax.name() == "SoftmaxBackward0":
                single = graph.output_shape(node) != graph.output_shape(softmax)
                picked = node if single else _picked_before(node, nodes)
            elif softmax.name() == "SumBackward1":
                softmax, picked = _exponential(axes), _compared(node, nodes)
            elif softmax.name() == "DivBackward0" and softmax.next_functions[1][0] is not None:
                picked = node if _exponential(softmax) is not None else None
                axes = graph.producer(softmax.next_functions[1][0])
                softmax = _exponential(axes) if axes.name() == "SumBackward1" else None
        if picked is not None and softmax is not None and softmax not in seen:
            seen.add(softmax)
            yield picked, softmax, axes._saved_dim


def _exponential(node: Any) -> Any:
    """The exponential that `node` sums or divides, perhaps without what a mask takes out, or that is summed there."""
    for _ in range(5):
        node = node.next_functions[0][0]
        if node is None or node.name() == "ExpBackward0":
            return node
        masked = node.name() == "MulBackward0" and node.next_functions[1][0] is None
        if not masked and node.name() not in SUMMED and not node.name().startswith("Diagonal"):
            return None
    return None


def _rows(softmax: Any, axis: Any) -> torch.Tensor | None:
    """Scores, but for a number of each row, with the choices along the last axis."""
    values = graph.saved(softmax, "_saved_self" if softmax.name() == "LogsumexpBackward0" else "_saved_result")
    axis = axis[0] if isinstance(axis, (tuple, list)) else axis
    if values is None or values.dim() < 2:
        return None
    rows = values.movedim(_signed(axis), -1).flatten(0, -2)
    if not rows.shape[0] or rows.shape[1] < 2:
        return None
    return thinned(rows).log() if softmax.name() in ("SoftmaxBackward0", "ExpBackward0") else thinned(rows)


def _signed(axis: int) -> int:
    """An axis as autograd keeps it: unsigned, perhaps of a negative number."""
    return int(axis - 2**64 if axis >= 2**63 else axis)


def _picked_before(node: Any, nodes: list[Any]) -> Any:
    """What takes single log-probabilities from `node`, perhaps behind changes of shape or a choice of rows."""
    ways = {node}
    for _ in range(4):
        above = [one for one in nodes if any(child in ways for child, _ in one.next_functions)]
        ways = set()
        for one in above:
            after, before = graph.output_shape(one), graph.output_shape(one.next_functions[0][0])
            name, whole = one.name(), bool(after and before and len(after) == len(before) and after[-1] == before[-1])
            if (name.startswith(PICKS) and not whole) or _is_mask(one):
                return one
            if name in graph.RESHAPING | {"NegBackward0", "PermuteBackward0"} or (name.startswith(PICKS) and whole):
                ways.add(one)
    return None


def _is_mask(node: Any) -> bool:
    """Of each row of log-probabilities some stay as they are, and zeros replace the others."""
    kept = MASKS.get(node.name())
    children = [child for child, _ in node.next_functions]
    if kept is None or children.count(None) != len(children) - 1:
        return False
    mask = graph.saved(node, "_saved_self" if kept == "_saved_other" and children[0] is None else kept)
    shape = graph.output_shape(node)
    if mask is None or shape is None or tuple(mask.shape) != shape or mask.dim() < 2 or not mask.is_cpu:
        return False
    few = thinned(mask.flatten(0, -2))
    ones, zeros = few == 1, few == 0
    return bool(few.numel()) and bool((ones | zeros).all()) and bool((ones.any(1) & zeros.any(1)).any())


def _compared(node: Any, nodes: list[Any]) -> Any:
    """What takes the difference between a score and the logarithm of the sum of the exponentials of all of them.

    Where all scores are reduced by that, what chooses from them.
    """
    for one in nodes:
        children = [child for child, _ in one.next_functions]
        if one.name() not in SHIFTS or None in children or len(children) != 2:
            continue
        ways = [graph.producer(child) for child in children]
        if node in ways:
            other = ways[1 - ways.index(node)]
            if other is None or other is node or _size(other, measured=False) is None:
                return None
            sizes = [math.prod(graph.output_shape(which) or ()) for which in (one, node)]
            return one if sizes[0] <= sizes[1] else _picked_before(one, nodes)
    return None


def _size(node: Any, depth: int = DEPTH, measured: bool = True) -> _Size | None:
    """How large products of vectors can become, down from `node`; their lengths may not matter."""
    factor: float | torch.Tensor = 1.0
    for _ in range(depth):
        if node is None:
            return None
        name = node.name()
        alive = [child for child, _ in node.next_functions if child is not None]
        below = alive[0] if alive else None
        if name in ("CatBackward0", "StackBackward0"):
            sizes = [_size(child, depth // 2, measured) for child, _ in node.next_functions[: MOST + 1]]
            one = [size for size in sizes if size is not None]
            if not one or len(one) < len(sizes) or len(sizes) > MOST:
                return None
            return _Size(factor * _most([size.bound for size in one]), _most([size.uneven for size in one]))
        product = None
        if name in ("MmBackward0", "BmmBackward0"):
            product = _product(node) if measured else _UNMEASURED
        elif name == "SumBackward1" and below is not None and below.name() == "MulBackward0":
            product = _summed(node, below) if measured else _UNMEASURED
        elif name in FACTORS:
            step = _factor(node)
            if step is None:
                return None
            below, number = step
            factor = factor * number
        elif name in SHIFTS:
            shapes = [graph.output_shape(child) for child in alive]
            if len(alive) == 2:
                below = alive[1 - shapes.index(())] if () in shapes else None
        elif name in FILLING:
            below = below if len(alive) == 1 else None
        elif name not in ONE_CHILD and not name.startswith("Diagonal"):
            return None
        if product is not None:
            return _Size(product.bound * factor, product.uneven)
        if name in ENDS:
            return None
        node = below
    return None


def _most(values: list[torch.Tensor]) -> torch.Tensor:
    most = values[0]
    for value in values[1:]:
        most = torch.maximum(most, value)
    return most


def _factor(node: Any) -> tuple[Any, torch.Tensor] | None:
    """(what is multiplied with one number or divided by one, the size of its factor)."""
    children = [*(child for child, _ in node.next_functions), None][:2]
    if children[0] is not None:
        number = _saved_number(node, "_saved_other")
        if number is not None:
            return children[0], number.reciprocal() if node.name() == "DivBackward0" else number
    if children[1] is not None and node.name() != "DivBackward0":
        number = _saved_number(node, "_saved_self")
        if number is not None:
            return children[1], number
    return None


def _saved_number(node: Any, name: str) -> torch.Tensor | None:
    value = graph.saved(node, name)
    if value is not None:
        return value.float().abs().reshape(()) if value.numel() == 1 else None
    plain = getattr(node, name, None)
    return torch.tensor(abs(float(plain))) if isinstance(plain, (int, float)) else None


def _product(node: Any) -> _Size | None:
    left, right = graph.saved(node, "_saved_self"), graph.saved(node, "_saved_mat2")
    if left is None:
        left = _values(node.next_functions[0][0])
    if right is None:
        right = _values(node.next_functions[1][0])
    if left is None or right is None or left.dim() < 2 or left.dim() != right.dim():
        return None
    return _of(left.flatten(0, -2), right.transpose(-2, -1).flatten(0, -2))


def _summed(node: Any, product: Any) -> _Size | None:
    axes = node._saved_dim if isinstance(node._saved_dim, (tuple, list)) else (node._saved_dim,)
    left, right = graph.saved(product, "_saved_self"), graph.saved(product, "_saved_other")
    if left is None:
        left = _values(product.next_functions[0][0])
    if right is None:
        right = _values(product.next_functions[1][0])
    if left is None or right is None or left.dim() < 2 or left.dim() != right.dim() or len(axes) != 1:
        return None
    if _signed(axes[0]) % left.dim() != left.dim() - 1 or left.shape[-1] != right.shape[-1]:
        return None
    return _of(left.flatten(0, -2), right.flatten(0, -2))


def _of(left: torch.Tensor, right: torch.Tensor) -> _Size | None:
    """Of products between rows of the two."""
    if not left.is_floating_point() or left.shape[1] < 2 or left.shape[0] < FEWEST or not right.shape[0]:
        return None
    one, two = thinned(left).norm(dim=1), thinned(right).norm(dim=1)
    uneven = [(lengths.max() - lengths.min()) / lengths.max() for lengths in (one, two)]
    return _Size(one.max() * two.max(), torch.maximum(*uneven))


def _values(node: Any, depth: int = 6) -> torch.Tensor | None:
    """What an operation made, of which the operands are kept: a quotient or a product, transposed perhaps."""
    if node is None or depth == 0:
        return None
    name = node.name()
    if name in ("DivBackward0", "MulBackward0"):
        one, other = graph.saved(node, "_saved_self"), graph.saved(node, "_saved_other")
        if one is None and len(node.next_functions) > 1 and node.next_functions[1][0] is None:
            one = _values(node.next_functions[0][0], depth - 1)
        if one is None or other is None:
            return None
        return one / other if name == "DivBackward0" else one * other
    if name in graph.RESHAPING or name in ("PermuteBackward0", "TransposeBackward0", "TBackward0", "CloneBackward0"):
        below = node.next_functions[0][0]
        value, shape = _values(below, depth - 1), graph.output_shape(node)
        if value is None or shape is None or name in graph.RESHAPING or name == "CloneBackward0":
            return value.reshape(shape) if value is not None and shape is not None else None
        if name == "PermuteBackward0":
            return value.permute([_signed(axis) for axis in node._saved_dims])
        if name == "TBackward0":
            return value.t()
        return value.transpose(_signed(node._saved_dim0), _signed(node._saved_dim1))
    return None
