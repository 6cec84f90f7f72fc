"""Smallest or largest values that a loss picks out of values of which some were masked: does it pick the masked ones?

A distance that was multiplied by 0 is the smallest of all, and a score that was is the largest of negative ones. What
is picked then is a constant: no gradient comes through it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import torch

from torchward.runtime import graph

NEAR_LOSS = 256
"""Nodes from the loss on that are looked at."""
MOST = 4
"""Operations of one loss that pick."""
VALUES = 4_000_000
PICKING = {
    "MinBackward0": "min", "MaxBackward0": "max", "TopkBackward0": "topk", "AminBackward0": "amin",
    "AmaxBackward0": "amax",
}  # fmt: skip
DEPTH = 4
"""Masks one behind the other."""


class Picked(NamedTuple):
    place: int
    """Among those of the loss."""
    operation: str
    shape: tuple[int, ...]
    """Of what is picked from."""
    figures: list[torch.Tensor]
    """Rows in which some values were masked and two or more were not, those of them in which only masked ones were
    picked; the share of all values that were masked, and whether the mask is of zeros and ones."""


def picked(walked: graph.Walk) -> Iterator[Picked]:
    place = 0
    for node in walked.nodes[:NEAR_LOSS]:
        if node.name() not in PICKING:
            continue
        found = _looked(node) if not _steadies(node, walked.nodes[:NEAR_LOSS]) else None
        if found is not None:
            yield Picked(place, PICKING[node.name()], *found)
            place += 1
        if place == MOST:
            return


def _steadies(node: Any, nodes: list[Any]) -> bool:
    """What is picked is only taken off what exponentials are taken of: it cancels out."""
    ways, used = [node], False
    for one in ways:
        for above in nodes:
            if all(child is not one for child, _ in above.next_functions) or above in ways:
                continue
            if above.name() in graph.VIEWS:
                ways.append(above)
                continue
            used = True
            taken = above.name() == "SubBackward0" and above.next_functions[1][0] is one
            if not taken or not any(
                other.name() == "ExpBackward0" and other.next_functions[0][0] is above for other in nodes
            ):
                return False
    return used


def _looked(node: Any) -> tuple[tuple[int, ...], list[torch.Tensor]] | None:
    below = node.next_functions[0][0]
    shape = graph.output_shape(below) if below is not None else None
    if not shape or math.prod(shape) > VALUES:
        return None
    masks = _masks(below)
    if not masks:
        return None
    dim = node._saved_dim
    dims = tuple(one if one < 2**62 else one - 2**64 for one in (dim if isinstance(dim, tuple) else (dim,)))
    if len(dims) != 1 or not -len(shape) <= dims[0] < len(shape):
        return None
    axis = dims[0] % len(shape)
    try:
        kept = [mask.expand(shape) for mask in masks]
    except RuntimeError:
        return None
    binary = torch.stack([((mask == 0) | (mask == 1)).all() for mask in masks]).all()
    left = torch.stack([mask != 0 for mask in kept]).all(0)
    indices, values, result = (graph.saved(node, f"_saved_{name}") for name in ("indices", "self", "result"))
    if indices is not None:
        indices = indices if indices.dim() == len(shape) else indices.unsqueeze(axis)
        taken = left.gather(axis, indices)
    elif values is not None and result is not None and values.shape == left.shape:
        result = result if result.dim() == len(shape) else result.unsqueeze(axis)
        taken = left & (values == result)
    else:
        return None
    mixed = (left.sum(axis) > 1) & ~left.all(axis)
    rows = mixed.sum().float()
    figures = [rows, (mixed & ~taken.any(axis)).sum().float(), 1 - left.float().mean(), binary.float()]
    return tuple(shape), figures


def _masks(node: Any) -> list[torch.Tensor]:
    """What values were masked with last: 0 (False) where one was."""
    found: list[torch.Tensor] = []
    for _ in range(DEPTH):
        name, children = node.name(), [child for child, _ in node.next_functions]
        mask = None
        if name == "MulBackward0" and None in children[:2] and len(children) == 2:
            mask = graph.saved(node, "_saved_other" if children[1] is None else "_saved_self")
        elif name == "MaskedFillBackward0":
            mask = graph.saved(node, "_saved_mask")
            mask = ~mask if mask is not None and mask.dtype == torch.bool else None
        elif name == "WhereBackward0" and None in children[:2]:
            mask = graph.saved(node, "_saved_condition")
            if mask is not None and children[0] is None:
                mask = mask == 0
        below = next((child for child in children if child is not None), None)
        if mask is None or not mask.dim() or below is None:
            break
        found.append(mask)
        node = below
    return found
