"""Watches terms of a loss that keep weights near others, as elastic weight consolidation does: are these ever apart?"""

from __future__ import annotations

from typing import Any

import torch

from torchward.runtime import graph, terms

SQUARING = {
    "PowBackward0": "_saved_self",
    "MulBackward0": "_saved_self",
    "AbsBackward0": "_saved_self",
    "LinalgVectorNormBackward0": "_saved_self",
}
"""Operations on a difference -> where they keep it."""
WEIGHTS = 32


def differences(nodes: list[Any]) -> list[torch.Tensor]:
    """The largest difference of each weight from fixed numbers of its shape, if a loss grows with it."""
    found: list[torch.Tensor] = []
    seen: set[Any] = set()
    for node in nodes[: terms.NODE_LIMIT]:
        kept = SQUARING.get(node.name())
        inner = node.next_functions[0][0] if kept is not None and node.next_functions else None
        if inner is None or inner in seen or inner.name() != "SubBackward0" or len(found) >= WEIGHTS:
            continue
        children = [child for child, _ in inner.next_functions]
        leaf = next((child for child in children if child is not None), None)
        if children.count(None) != 1 or leaf is None or leaf.name() != graph.LEAF:
            continue
        seen.add(inner)
        difference = graph.saved(node, kept) if kept is not None else None
        if difference is not None and difference.shape == leaf.variable.shape and difference.numel():
            found.append(difference.detach().abs().max())
    return found
