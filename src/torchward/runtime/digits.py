"""Small differences of large numbers lose their digits (Higham, "Accuracy and Stability of Numerical Algorithms", 2002,
chapter 1: cancellation). Within a model the same call in single and in double precision disagrees then; in a loss the
graph shows a difference that is far smaller than what it was taken of, and that a logarithm, a root or a quotient is
taken of.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from torchward.runtime import graph
from torchward.runtime.copies import duplicate, mapped
from torchward.runtime.tensors import tensors_in, thin

if TYPE_CHECKING:
    from torchward.runtime.captures import Capture

APART = 0.01
"""Difference, in deviations of the exact output, that rounding in float32 does not make in a sound model: it leaves
1e-6 in shallow and 1e-4 in deep ones."""
EXAMPLES = 0.25
"""Share of the examples that differ so: a single one may stand at an edge, where a code or an expert is chosen."""
MOST = 1e6
"""Said of results that are not finite."""
MODULES = 256
LEFT = 1e-5
"""Of a number, in single precision, a difference of this size is known to a hundredth of itself."""
NODES = 1_024
BELOW = 4
SIDES = 4
"""Differences looked at in one sum."""
SENSITIVE = {
    "LogBackward0": ("_saved_self", 0, lambda kept: kept),
    "SqrtBackward0": ("_saved_result", 0, torch.square),
    "RsqrtBackward0": ("_saved_result", 0, lambda kept: kept.square().reciprocal()),
    "ReciprocalBackward0": ("_saved_result", 0, torch.reciprocal),
    "DivBackward0": ("_saved_other", 1, lambda kept: kept),
}
"""Operations whose result is as uncertain as their operand is in proportion to itself -> (what they keep, place of the
operand, how that is had from it)."""
RESULTS = frozenset({"ExpBackward0", "SigmoidBackward0", "SoftmaxBackward0", "SqrtBackward0"})


def lost(model: nn.Module, capture: Capture) -> tuple[float, str] | None:
    """(median difference of the examples in deviations, path of the first module that differs); None where nothing can
    be said: other precisions, random models, and such as do not run in double precision. Leaves the model in the mode
    of its training, dropout off."""
    held = [tensor for tensor in (*model.parameters(), *model.buffers()) if tensor.is_floating_point()]
    members = list(model.modules())
    if capture.autocast is not None or any(one.dtype != torch.float32 for one in held):
        return None
    if len(members) != len(capture.modes) or len(members) > MODULES:
        return None
    for module, training in zip(members, capture.modes, strict=True):
        module.training = training and not isinstance(module, nn.modules.dropout._DropoutNd)
    exact = duplicate(model).double()
    given = mapped((capture.args, capture.kwargs), lambda t: t.double() if t.dtype == torch.float32 else t)
    try:
        with _outputs(exact) as wanted:
            result = capture.chosen(capture.call(exact, *given)).detach()
    except Exception:
        # The user's own forward code, given numbers of another precision, may fail in any way: that says nothing.
        return None
    if result.dtype != torch.float64 or not bool(torch.isfinite(result).all()):
        return None
    once = capture.judged(model, capture.args, capture.kwargs)
    with _outputs(model) as made:
        again = capture.judged(model, capture.args, capture.kwargs)
    if not torch.equal(once.nan_to_num(), again.nan_to_num()):
        return None
    apart = _apart(again, result)
    if apart is None or apart < APART:
        return (apart, "") if apart is not None else None
    for (path, one), (other, two) in zip(made, wanted, strict=False):
        if path != other:
            break
        if (_apart(one, two) or 0.0) >= APART:
            return apart, path
    return apart, ""


def cancelled(walked: graph.Walk) -> tuple[torch.Tensor, str] | None:
    """(share of the values of a difference of two computed numbers that keep no two digits, operation that is taken of
    them); None where the graph shows no such difference. Nothing is read."""
    for node in walked.nodes[:NODES]:
        kept = SENSITIVE.get(node.name())
        if kept is None:
            continue
        name, place, undo = kept
        children = [child for child, _ in node.next_functions]
        left = graph.saved(node, name)
        if place >= len(children) or left is None or left.dtype != torch.float32:
            continue
        wholes = [
            value.abs().flatten()
            for below in _differences(children[place])
            if (value := next((one for side, _ in below.next_functions if (one := _value(side)) is not None), None))
            is not None
            and value.numel() == left.numel()
            and value.device == left.device
        ]
        if not wholes:
            continue
        whole = torch.stack(wholes).amax(0)
        share = (undo(left).abs().flatten() <= LEFT * whole).float().mean()
        return share, graph.operation(node)
    return None


def _differences(node: Any) -> list[Any]:
    """Differences of two computed numbers that a number is the sum of: as they are, or cut off, beside others."""
    found, level = [], [node]
    for _ in range(BELOW + 1):
        found += [
            one
            for one in level
            if one is not None and one.name() == "SubBackward0" and None not in [side for side, _ in one.next_functions]
        ]
        level = [
            child
            for one in level
            if one is not None and one.name() in graph.RESHAPING | graph.CLAMPS | {"AddBackward0"}
            for child, _ in one.next_functions
        ]
    return found[:SIDES]


def _value(node: Any, depth: int = 3) -> torch.Tensor | None:
    """What an operation made, as far as it and those below it have kept what is needed for that."""
    if node is None:
        return None
    name = node.name()
    if name in RESULTS:
        return graph.saved(node, "_saved_result")
    operand = graph.saved(node, "_saved_self")
    if name == "PowBackward0" and operand is not None:
        return operand ** float(node._saved_exponent)
    if name == "MulBackward0" and operand is not None:
        other = graph.saved(node, "_saved_other")
        return operand * other if other is not None else None
    if name == "MeanBackward0" and depth:
        value = _value(node.next_functions[0][0], depth - 1)
        return value.mean() if value is not None else None
    if name == "MeanBackward1" and depth:
        value = _value(node.next_functions[0][0], depth - 1)
        size = value.dim() if value is not None else 0
        axes = [axis if axis < size else axis - 2**64 for axis in node._saved_dim or ()]
        return value.mean(axes, keepdim=bool(node._saved_keepdim)) if value is not None and axes else None
    if name in graph.RESHAPING and depth:
        return _value(node.next_functions[0][0], depth - 1)
    return None


def _apart(single: torch.Tensor, exact: torch.Tensor) -> float | None:
    """The difference that `EXAMPLES` of the examples exceed, in deviations; `MOST` where only one is finite."""
    if single.shape != exact.shape or not exact.dim() or exact.numel() < 2:
        return None
    scale = float(exact.std())
    if not 0 < scale < float("inf"):
        return None
    rows = (single.double() - exact).nan_to_num(float("inf")).flatten(1 if exact.dim() > 1 else 0)
    sizes = rows.square().mean(1).sqrt() if exact.dim() > 1 else rows.abs()
    return min(float(sizes.sort(descending=True).values[int(EXAMPLES * len(sizes))]) / scale, MOST)


@contextmanager
def _outputs(model: nn.Module) -> Iterator[list[tuple[str, torch.Tensor]]]:
    """What each module below the model returns, thinned out, in the order in which they are done."""
    found: list[tuple[str, torch.Tensor]] = []
    names = {id(module): name for name, module in model.named_modules()}

    def keep(module: nn.Module, _args: Any, made: Any) -> None:
        tensor = next((one for one in tensors_in(made) if one.is_floating_point()), None)
        if tensor is not None and len(found) < MODULES:
            found.append((names[id(module)], thin(tensor).clone()))

    handles = [module.register_forward_hook(keep) for name, module in model.named_modules() if name]
    try:
        yield found
    finally:
        for handle in handles:
            handle.remove()
