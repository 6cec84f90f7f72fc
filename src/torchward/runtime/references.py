"""The penalty for leaving a reference policy in a loss: with which sign, and how far apart are the two?"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch

from torchward.runtime import graph, policies, terms

Key = tuple[Any, int]

SAME_SIGN = frozenset({"IndexPutBackward0", "MaskedFillBackward0", "MaskedScatterBackward0"})
"""Operations that put other values in some places and leave the rest."""


class Penalty(NamedTuple):
    sign: int
    """-1: the loss falls when the policy moves away from the reference."""
    apart: torch.Tensor
    """Difference of the two log-probabilities, one value for each choice."""


def penalty(root: Any) -> Penalty | None:
    """One of the usual estimates of a divergence from fixed log-probabilities, r, that is a term of the loss:
    exp(r - l) - (r - l) - 1, either way round, (l - r) ** 2, or the sum of p (l - r) over all choices."""
    known, ends = _signs(root)
    found = [one for node, sign in ends if (one := _estimate(node, sign, known)) is not None]
    if not found:
        return None
    # Of several the one that speaks least for a mistake.
    return Penalty(max(one.sign for one in found), max((one.apart for one in found), key=lambda one: one.abs().max()))


def _estimate(node: Any, sign: int, known: dict[Key, set[int]]) -> Penalty | None:
    name = node.name()
    if name == "MulBackward0":
        apart = _over_all_choices(node)
        return Penalty(sign, apart) if apart is not None else None
    if name == "ExpBackward0":
        value = graph.saved(node, "_saved_result")
        value = value.float().clamp(min=1e-30).log() if value is not None else None
    elif name == "PowBackward0" and terms.number_of(node, "_saved_exponent", 0.0) == 2:
        value = graph.saved(node, "_saved_self")
    else:
        return None
    below = _difference(node.next_functions[0][0])
    if below is None or value is None or value.numel() < 4 or policies.sign_of_choice(below[0][0]) is None:
        return None
    # The same l with the opposite slope elsewhere: otherwise it is some ratio of probabilities.
    if name == "ExpBackward0" and -sign * below[1] not in known.get(below[0], ()):
        return None
    return Penalty(sign, value.float())


def _signs(root: Any) -> tuple[dict[Key, set[int]], list[tuple[Any, int]]]:
    """(signs with which values enter the loss on ways along which no sign depends on them, (node, sign) at the ends).

    Ends that are multiplied with fixed numbers of their own, as ratios are with advantages, are left out; what is added
    up before that, as before a mask, is not.
    """
    found: dict[Key, set[int]] = {(root, 0): {1}}
    ends: list[tuple[Any, int]] = []
    queue: list[tuple[Key, int, bool]] = [((root, 0), 1, False)]
    while queue and len(found) < terms.NODE_LIMIT:
        key, sign, weighed = queue.pop(0)
        steps, weighs = _steps(key[0])
        if steps is None:
            if not weighed:
                ends.append((key[0], sign))
            continue
        weighed = (weighed or weighs) and len(steps) < 2
        for child, factor in steps:
            if child[0].name() == graph.LEAF or factor == 0:
                continue
            own = sign if factor > 0 else -sign
            if own not in found.setdefault(child, set()):
                found[child].add(own)
                queue.append((child, own, weighed))
    return found, ends


def _steps(node: Any) -> tuple[list[tuple[Key, float]] | None, bool]:
    """(operands, each with a factor of the sign that it enters with, None where that depends; is it multiplied with
    fixed numbers?)."""
    name = node.name()
    alive = [(child, index) for child, index in node.next_functions if child is not None]
    if name in SAME_SIGN:
        return [(key, 1.0) for key in alive], False
    steps = terms.operands(node)
    if steps is not None or name not in ("MulBackward0", "DivBackward0") or len(alive) != 1:
        return steps, False
    first = node.next_functions[0][0] is not None
    fixed = graph.saved(node, "_saved_other" if first else "_saved_self")
    if fixed is None or (name == "DivBackward0" and not first) or not fixed.numel():
        return None, False
    low, high = float(fixed.min()), float(fixed.max())
    if low >= 0 < high or low < 0 >= high:
        return [(alive[0], high + low)], name == "MulBackward0"
    return None, False


def _difference(node: Any) -> tuple[Key, int] | None:
    """(what a fixed value is subtracted from or is reduced by, the sign of that) of a difference between the two."""
    for _ in range(4):
        if node is None or node.name() not in terms.SAME | graph.CLAMPS:
            break
        node = node.next_functions[0][0]
    if node is None or node.name() not in ("SubBackward0", "RsubBackward1", "AddBackward0"):
        return None
    children = [(child, index) for child, index in node.next_functions]
    alive = [place for place, (child, _) in enumerate(children) if child is not None]
    if len(children) != 2 or len(alive) != 1 or terms.number_of(node, "_saved_alpha", 1.0) != 1:
        return None
    return children[alive[0]], -1 if node.name() == "SubBackward0" and alive[0] == 1 else 1


def _over_all_choices(node: Any) -> torch.Tensor | None:
    """l - r of p (l - r), if exp(l - that) are probabilities like p."""
    one, two = graph.saved(node, "_saved_self"), graph.saved(node, "_saved_other")
    children = [child for child, _ in node.next_functions]
    if one is None or two is None or None in children or one.shape != two.shape or one.dim() < 1 or one.shape[-1] < 2:
        return None
    for chance, apart, child in ((one, two, children[1]), (two, one, children[0])):
        if _difference(child) is None or float(chance.min()) < 0:
            continue
        rows = chance.float().flatten(0, -2) if chance.dim() > 1 else chance.float()[None]
        other = rows * (-apart.float().reshape(rows.shape)).exp()
        sums = torch.stack([rows.sum(-1), other.sum(-1)])
        if bool(((sums - 1).abs() < 1e-3).all()):
            return apart.float()
    return None
