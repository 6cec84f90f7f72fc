"""Does one loss weigh each choice with what its critic learns of the same row? Where rewards are not known, too.

Advantages are targets less values, as generalised advantage estimation makes both, up to a factor and a number added to
all. Where they are not so row by row, but exactly so once the rows of the targets, of the values or of both change
places as they do when two axes are taken for one another, one of them was laid out in another order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

import torch

from torchward.runtime import graph, policies, returns, terms
from torchward.runtime.estimates import EXACT

if TYPE_CHECKING:
    from torchward.runtime.recorder import Recorder
    from torchward.runtime.streams import Stream

LEAST, MOST = 32, 4_096
"""Rows. There are some 10 orders for each divisor of their number and three ways to change them, a few hundred in all:
by chance, none leaves 1e-7 of the variance of 32 rows."""
DISTINCT = 8
"""Different weights, and different targets, at least; rows at least that must be others in the other order."""
FEW, ROUGH = 96, 1e-4
"""Rows on which all orders are tried first, and what may be left of their variance."""
UNEXPLAINED, EXPLAINED = 24, 16
"""Samples of a loss without any match, one after the other, after which it is not asked again: rows are shuffled, or
estimates others; and those with one."""
ERRORS = 3
"""Squared errors of a loss that are looked at."""
NODES = 64
"""Operations between a choice or a value and the data that it was made of."""
KEEPING_ORDER = graph.RESHAPING | {
    "AddBackward0", "SubBackward0", "RsubBackward1", "MulBackward0", "DivBackward0", "NegBackward0", "PowBackward0",
    "ExpBackward0", "LogBackward0", "TanhBackward0", "ReluBackward0", "LeakyReluBackward0", "EluBackward0",
    "SiluBackward0", "GeluBackward0", "SigmoidBackward0", "SoftplusBackward0", "ClampBackward0", "ClampBackward1",
    "LogSoftmaxBackward0", "SoftmaxBackward0", "LogsumexpBackward0", "GatherBackward0", "NllLossBackward0",
    "SelectBackward0", "SumBackward1", "NativeLayerNormBackward0", "ExpandBackward0", "WhereBackward0",
    "MaximumBackward0", "MinimumBackward0", "ToCopyBackward0", "AliasBackward0", "CloneBackward0",
}  # fmt: skip
"""Operations that leave rows in their places."""
DATA = {
    "AddmmBackward0": (1, "_saved_mat1"),
    "MmBackward0": (0, "_saved_self"),
    "ConvolutionBackward0": (0, "_saved_input"),
    "EmbeddingBackward0": (0, "_saved_indices"),
}
"""Operations with weights -> (place of the data among the operands, name under which the graph keeps it)."""


class Order(NamedTuple):
    name: str
    """As in `facts.Returns`."""
    rows: torch.Tensor
    """Where each row comes from; -1: that is not known."""


class Alignment:
    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.settled: set[int] = set()
        """Streams that were found sound, or were asked often enough."""
        self.failures: Counter[int] = Counter()
        self.matches: Counter[int] = Counter()
        self.look = recorder.guarded("alignment", self._look)

    def _look(self, stream: Stream, root: Any, nodes: list[Any]) -> None:
        if stream.index in self.settled or self.recorder.optimizers.maximising():
            return
        found = _rows(root, nodes)
        if found is None:
            return
        policy, slopes, errors = found
        kind = self._named(policy, -slopes, errors)
        if kind is None:
            return
        self.recorder.row("al", i=stream.index, s=self.recorder.step, n=slopes.numel(), kind=kind)
        self.failures[stream.index] = 0 if kind else self.failures[stream.index] + 1
        self.matches[stream.index] += bool(kind)
        if kind == "right" or self.failures[stream.index] >= UNEXPLAINED or self.matches[stream.index] >= EXPLAINED:
            self.settled.add(stream.index)

    def _named(self, policy: Any, weights: torch.Tensor, errors: list[tuple[Any, policies.Missed]]) -> str | None:
        """What the weights are beside one of the errors; empty: anything else; None: could not look."""
        weights = weights.detach().double().flatten()
        if not LEAST <= len(weights) <= MOST or weights.unique().numel() < DISTINCT:
            return None
        flat = [(node, missed, missed.error.detach().double().flatten()) for node, missed in errors]
        for node, _, error in flat:
            if float(returns.unexplained(-error[None], weights)) < returns.EXACT:
                return _Layout(policy, node, len(error)).moved() or "right"
        for node, missed, error in flat:
            known: list[torch.Tensor | None] = [None]
            if missed.target is not None:
                known = [missed.target.detach().double().flatten() + error]
            elif fitting := [one for one in self.recorder.inputs.values if one.numel() == len(error) and one.is_cpu]:
                known = [one.double().flatten() for one in fitting]
            for values in known:
                found = misplaced(weights, error, values, _Layout(policy, node, len(error)))
                if found:
                    return found
        return ""


def _rows(root: Any, nodes: list[Any]) -> tuple[Any, torch.Tensor, list[tuple[Any, policies.Missed]]] | None:
    """(node that weighs the choices, slopes of the loss by these, errors of as many values, each with its node)."""
    found = policies.policy_of(root)
    if found is not None:
        slopes, policy = found
        errors = []
        for node, factor in terms.factors(root)[1]:
            for one in policies.below_extremes(node):
                missed = policies.error_of(one) if factor > 0 else None
                if missed is not None and missed.error.numel() == slopes.numel() and missed.error.is_cpu:
                    errors.append((one, missed))
        return (policy, slopes, errors[:ERRORS]) if slopes.is_cpu and errors else None
    # One term of the loss for each step.
    stacks = (node for node in nodes[: terms.NODE_LIMIT] if node.name() in ("StackBackward0", "CatBackward0"))
    count = next((len(node.next_functions) for node in stacks if LEAST <= len(node.next_functions) <= returns.MOST), 0)
    weights = returns.weights_in_order(root, count) if count else None
    missed = returns.missed_in_order(root, count) if weights is not None else None
    return (None, weights, [(None, missed)]) if weights is not None and missed is not None else None


def misplaced(weights: torch.Tensor, error: torch.Tensor, values: torch.Tensor | None, layout: _Layout) -> str:
    """The name of the order in which targets, values or both are to be read so that they make the weights; empty if
    there is none. `error`: values less targets."""
    count = len(weights)
    some, places = _sampled(count)
    hopeful = torch.zeros(len(places), dtype=torch.bool)
    for made in _made(error, values, places, some):
        hopeful |= _left(made, weights[some], places >= 0) < ROUGH
    for place in torch.nonzero(hopeful)[:, 0].tolist():
        name, rows = next(islice(_orders(count), place, None))
        valid = rows >= 0
        kept = weights[valid]
        plain = -error[valid]
        if len(kept) < LEAST or kept.unique().numel() < DISTINCT:
            continue
        if float(returns.unexplained(plain[None], kept)) < returns.EXACT:
            continue  # these rows stand as they should
        said = dict.fromkeys(("both", "targets", "values"), False)
        for way, (one,) in zip(said, _made(error, values, rows[valid][None], torch.nonzero(valid)[:, 0]), strict=False):
            said[way] = float(returns.unexplained(one[None], kept)) < EXACT and _differs(one, plain)
        # Values that stand as the weights do show that both are of the same rows. Otherwise all may be in order, if the
        # policy and the critic are asked in another order.
        if (said["targets"] and not said["both"]) or (any(said.values()) and layout.is_same(rows)):
            return name
    return ""


def _differs(one: torch.Tensor, other: torch.Tensor) -> bool:
    """In enough rows, and not in two or three values that may agree by chance."""
    apart = (one - other).abs() > ROUGH * other.std()
    return int(apart.sum()) >= DISTINCT and one.unique().numel() >= DISTINCT


def _made(
    error: torch.Tensor, values: torch.Tensor | None, places: torch.Tensor, here: torch.Tensor
) -> Iterator[torch.Tensor]:
    """Targets less values, (orders, rows): both in another order, then only the targets, then only the values."""
    moved = places.clamp(min=0)
    yield -error[moved]
    if values is not None:
        targets = values - error
        yield targets[moved] - values[here]
        yield targets[here] - values[moved]


def _left(sums: torch.Tensor, weights: torch.Tensor, valid: torch.Tensor) -> torch.Tensor:
    """As `returns.unexplained`, of the valid ones of each row."""
    share = valid.double() / valid.sum(1, keepdim=True).clamp(min=1)
    one = torch.where(valid, sums - (sums * share).sum(1, keepdim=True), 0.0)
    other = torch.where(valid, weights - (weights * share).sum(1, keepdim=True), 0.0)
    product = (one * other).sum(1)
    sizes = one.square().sum(1) * other.square().sum(1)
    return torch.where(product > 0, 1 - product.square() / sizes.clamp(min=1e-300), 1.0)


@lru_cache(4)
def _sampled(count: int) -> tuple[torch.Tensor, torch.Tensor]:
    """(some of so many rows, where they come from in each of the orders)."""
    some = torch.arange(count) if count <= FEW else torch.linspace(0, count - 1, FEW).long()
    return some, torch.stack([one.rows[some] for one in _orders(count)])


def _orders(count: int) -> Iterator[Order]:
    """How rows may have been laid out wrongly, as a table of each shape that they fill."""
    every = torch.arange(count)
    yield Order("reversed", every.flip(0))
    for sign in (1, -1):
        yield Order("shifted", _within(every + sign, every + sign, count))
    for width in range(2, count // 2 + 1):
        if count % width:
            continue
        table = every.reshape(-1, width)
        column = every % width
        yield Order("transposed", table.T.flatten())
        yield Order("reversed", table.flip(0).flatten())
        yield Order("reversed", table.flip(1).flatten())
        for sign in (1, -1):
            yield Order("shifted", _within(every + sign * width, every + sign * width, count))
            if width > 2:
                yield Order("shifted", _within(every + sign, column + sign, width))


def _within(rows: torch.Tensor, place: torch.Tensor, size: int) -> torch.Tensor:
    return torch.where((place >= 0) & (place < size), rows, -1)


class _Layout:
    """Whether the rows of a policy and of its critic are of the same data in the same order."""

    def __init__(self, policy: Any, value: Any, count: int) -> None:
        self.ends, self.count = (policy, value), count

    def is_same(self, order: torch.Tensor) -> bool:
        """It is, and in this other order it would not be."""
        one, other = (_inputs(end, self.count) for end in self.ends)
        valid = order >= 0
        for table in one:
            for second in other:
                if table.shape == second.shape and torch.equal(table, second):
                    return not torch.equal(table[valid], table[order[valid]])
        return False

    def moved(self) -> str:
        """The name of the order in which the policy was shown what its critic saw, if that is another one. Not of one
        that is merely shifted: a critic may judge what an action led to."""
        one, other = (_inputs(end, self.count) for end in self.ends)
        if len(one) != 1 or len(other) != 1 or one[0].shape != other[0].shape or torch.equal(one[0], other[0]):
            return ""
        if len(one[0].unique(dim=0)) < DISTINCT:
            return ""
        named = (order for order in _orders(self.count) if order.name != "shifted")
        return next((name for name, rows in named if torch.equal(one[0], other[0][rows])), "")


def _inputs(node: Any, count: int) -> list[torch.Tensor]:
    """What layers were given to make the values that `node` takes, one row for each; empty where rows may have moved
    since."""
    if node is None:
        return []
    found: list[torch.Tensor] = []
    waiting = [child for child, _ in node.next_functions if child is not None]
    seen = set(waiting)
    while waiting:
        one = waiting.pop(0)
        if len(seen) > NODES:
            return []
        if one.name() == graph.LEAF:
            continue
        children = [child for child, _ in one.next_functions]
        if one.name() in DATA:
            place, saved = DATA[one.name()]
            if children[place] is None:
                given = graph.saved(one, saved)
                if given is None or given.numel() % count or count not in (len(given), given[..., 0].numel()):
                    return []
                found.append(given.detach().reshape(count, -1))
                continue
            children = [children[place]]
        elif one.name() not in KEEPING_ORDER:
            return []
        fresh = [child for child in children if child is not None and child not in seen]
        seen.update(fresh)
        waiting += fresh
    return found
