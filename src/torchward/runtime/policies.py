"""Reads in the graph of a loss what it says of a policy and of its critic: which choices are made likelier by how much,
how sure the policy is, how far it has moved, what was expected and what came.

A policy's loss weighs log-probabilities of choices, or ratios of probabilities, with advantages; a critic's compares
values with returns, or with a reward and the value of the next state.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import torch

from torchward.runtime import errors, graph, terms
from torchward.runtime.tensors import tolist

DEPTH = 6
"""Operations at most between a log-probability and the choice it is of."""
CHOICES = 1_024
"""Actions at most of a policy whose entropy is looked for."""
ACTIONS = 64
"""... and of one whose loss is recognised, whatever it is made of."""
SQUARED = frozenset({"MseLossBackward0", "SmoothL1LossBackward0", "HuberLossBackward0"})
EXTREMES = frozenset({"MaximumBackward0", "MinimumBackward0"})
CHOOSING = frozenset({"GatherBackward0", "NllLossBackward0", "NllLoss2DBackward0"})
"""Operations that take one value of each row."""
SPREAD = 0.1
"""Difference of two values, in deviations, from which on a quotient by it is exact enough."""
LEAST_DISCOUNT, ROUNDING = 0.5, 1e-3
EXACT = 1e-3
"""Deviation of the values as a share of the largest target."""
KIND, KINDS = 3, 32
"""Rows that have a reward of one kind; kinds that are remembered."""
SAME_REWARD = 1e-2
"""Difference of two rewards of one kind, in deviations of the values."""
FEW = 0.4
"""Share of the rows with a reward of their own, at most: there are several kinds of rewards, not any."""


def entropy_of_policy(root: Any, nodes: list[Any]) -> tuple[float, torch.Tensor] | None:
    """(factor, values) of the entropy of a policy in the loss, and that entropy, one value for each choice.

    Of a policy: log-probabilities of what was chosen are weighted by numbers of both signs, its advantages.
    """
    for node, factor in _behind_masks(root):
        if node.name() != "MulBackward0" or factor == 0:
            continue
        one, two = graph.saved(node, "_saved_self"), graph.saved(node, "_saved_other")
        if one is None or two is None or one.shape != two.shape or not one.dim() or not 2 <= one.shape[-1] <= CHOICES:
            continue
        chance, logarithm = (one, two) if float(one.min()) >= 0 else (two, one)
        if torch.allclose(logarithm.float().exp(), chance.float(), rtol=1e-3, atol=1e-6):
            if any(_weighs_choices(other) for other in nodes[: terms.NODE_LIMIT]):
                return -factor, -(chance * logarithm).float().sum(-1)
            return None
    return None


def _behind_masks(root: Any) -> Iterator[tuple[Any, float]]:
    """(node, factor) where linear ways end, those included that lead through fixed weights of one sign, such as masks,
    with their mean for a factor."""
    for node, factor in terms.factors(root)[1]:
        yield node, factor
        children = [child for child, _ in node.next_functions]
        if node.name() != "MulBackward0" or children.count(None) != 1 or len(children) != 2:
            continue
        mask = graph.saved(node, "_saved_self" if children[0] is None else "_saved_other")
        if mask is not None and mask.is_cpu and mask.numel() and float(mask.min()) >= 0:
            inner = terms.factors(next(child for child in children if child is not None))[1]
            yield from ((end, factor * share * float(mask.float().mean())) for end, share in inner)


def chosen_values(nodes: list[Any], output: torch.Tensor) -> torch.Tensor | None:
    """Which of the values in each row of a model's `output` the loss looks at: the place of one in each row."""
    if output.dim() != 2 or not 2 <= output.shape[1] <= ACTIONS or output.shape[0] < 8:
        return None
    for node in nodes[: terms.NODE_LIMIT]:
        if node.name() == "GatherBackward0" and node.next_functions[0][0] is output.grad_fn:
            index = graph.saved(node, "_saved_index")
            if index is not None and index.numel() == output.shape[0] == index.shape[0]:
                return index.reshape(-1)
    return None


class Missed(NamedTuple):
    """By how much predictions missed their targets."""

    error: torch.Tensor
    """Predictions less targets."""
    target: torch.Tensor | None
    """Where the graph still holds them."""


class Beside(NamedTuple):
    """The errors of values that a loss adds to what it weighs a policy's choices with."""

    pull: float
    """Sum of the slopes of the loss by the values, as a multiple of that by the (log-)probabilities of choices."""
    missed: Missed
    slopes: torch.Tensor
    """Of the loss by the (log-)probabilities of the choices, up to a positive factor."""
    value: Any
    """Node of the squared errors, ..."""
    policy: Any
    """... and of the weighted choices."""


def values_beside_policy(root: Any) -> Beside | None:
    """Squared errors and weighted choices that are terms of one loss."""
    value = policy = None
    for node, factor in terms.factors(root)[1]:
        for one in below_extremes(node):
            missed = error_of(one)
            if value is None and missed is not None and factor > 0:
                error = missed.error
                share = factor if one.name() not in terms.JUDGES or not _is_mean(one) else factor / error.numel()
                value = (2 * share * float(error.abs().double().sum()), missed, node)
            weights = _weights_of_choices(one, chooses)
            if policy is None and weights is not None:
                sign = sign_of_choice(next(child for child, _ in one.next_functions if child is not None)) or 1.0
                policy = (
                    abs(factor) * float(weights.abs().double().sum()),
                    math.copysign(sign, factor) * weights,
                    node,
                )
    if value is None or policy is None or not policy[0] > 0:
        return None
    return Beside(value[0] / policy[0], value[1], policy[1], value[2], policy[2])


def slopes_of_policy(root: Any) -> torch.Tensor | None:
    """Slopes of the loss by the (log-)probabilities of the choices, up to a positive factor: below 0 where the loss is
    to make a choice more likely. Also of choices of any number, where a ratio of probabilities is weighed."""
    found = policy_of(root)
    return found[0] if found is not None else None


def policy_of(root: Any) -> tuple[torch.Tensor, Any] | None:
    """(these slopes, node that weighs the choices)."""
    for node, factor in terms.factors(root)[1]:
        for one in below_extremes(node):
            weights = _weights_of_choices(one, chooses)
            if weights is not None:
                weighed = next(child for child, _ in one.next_functions if child is not None)
                return math.copysign(sign_of_choice(weighed) or 1.0, factor) * weights, one
            weights = _weights_of_ratio(one)
            if weights is not None:
                return math.copysign(1.0, factor) * weights, one
    return None


def below_extremes(node: Any) -> list[Any]:
    """A term of a loss, and where it is the larger or smaller of two, these."""
    return [node, *(child for child, _ in node.next_functions if child is not None and node.name() in EXTREMES)]


def _weights_of_ratio(node: Any) -> torch.Tensor | None:
    """What exp(a - b) is multiplied with, where b has no graph."""
    children = [child for child, _ in node.next_functions]
    if node.name() != "MulBackward0" or len(children) != 2 or children.count(None) != 1:
        return None
    ratio = next(child for child in children if child is not None)
    below = ratio.next_functions[0][0] if ratio.name() == "ExpBackward0" else None
    if below is None or below.name() != "SubBackward0" or (None, 0) not in below.next_functions:
        return None
    return graph.saved(node, "_saved_self" if children[0] is None else "_saved_other")


def _is_mean(node: Any) -> bool:
    return terms.number_of(node, "_saved_reduction", 0.0) == 1


def error_of(node: Any) -> Missed | None:
    """What has a graph less what has none, where a loss squares the difference (or nearly: Huber's losses)."""
    value, children = graph.saved(node, "_saved_self"), node.next_functions
    if node.name() in SQUARED:
        target = graph.saved(node, "_saved_target")
        if value is None or target is None or value.numel() != target.numel():
            return None
        if [child is None for child, _ in children] == [True, False]:
            value, target = target, value
        elif [child is None for child, _ in children] != [False, True]:
            return None
        return Missed((value - target.reshape(value.shape)).float(), target)
    squared = node.name() == "PowBackward0" and terms.number_of(node, "_saved_exponent", 0.0) == 2
    if not squared and not (node.name() == "MulBackward0" and len(children) == 2 and children[0] == children[1]):
        return None
    below = errors.values_of(children[0][0], value.numel()) if value is not None else None
    if value is None or below is None or below.name() != "SubBackward0" or (None, 0) not in below.next_functions:
        return None
    return Missed(-value.float() if below.next_functions[0] == (None, 0) else value.float(), None)


class Bootstrap(NamedTuple):
    """Targets that are a reward plus a factor times the value of something."""

    factor: float
    kinds: list[float]
    """Rewards that several rows have, in this batch or before."""
    alone: int
    """Rows whose reward is none that was seen in several: their targets may be made otherwise."""
    over: int
    """... of them, those whose target is such a reward, without the value of anything."""
    zero: int
    """... of those that are alone, those whose target is exactly 0."""


def bootstraps(
    target: torch.Tensor, tables: list[torch.Tensor], known: list[float], paid: list[float] | None = None
) -> Bootstrap | None:
    """Nearly all targets may be a reward plus a factor times the best value of one of the `tables`, or the value there
    of what is best in another. Rewards are to be of a few kinds, `known` from before: then most pairs of rows differ in
    both by the same factor. `paid`: all that the environments have paid, if that is known."""
    values = [table.gather(1, other.argmax(1, keepdim=True))[:, 0].double() for table in tables for other in tables]
    found = [_reward_and(target.double(), one, known, paid) for one in values]
    return min((one for one in found if one is not None), key=lambda one: one.alone, default=None)


def _reward_and(
    target: torch.Tensor, values: torch.Tensor, known: list[float], paid: list[float] | None
) -> Bootstrap | None:
    scale = float(values.std())
    if not scale > EXACT * float(target.abs().max()):
        return None  # float32 does not tell the parts of the sum apart
    rise, run = target[:, None] - target, values[:, None] - values
    slopes = (rise / run)[run.abs() > SPREAD * scale]
    slopes = slopes[(slopes > LEAST_DISCOUNT) & (slopes <= 1.0 + ROUNDING)]
    if slopes.numel() < target.numel():
        return None
    common = float((slopes / ROUNDING).round().mode().values) * ROUNDING
    factor = float(slopes[(slopes - common).abs() < 2 * ROUNDING].median())
    rewards = target - factor * values
    alike = ((rewards[:, None] - rewards).abs() < SAME_REWARD * scale).sum(1)
    kinds = list(known)
    for reward in tolist(rewards[alike >= KIND]):
        same = target[(rewards - reward).abs() < SAME_REWARD * scale]
        # Ends that all lead to one state look like a reward of their own: those that were paid tell them apart.
        unpaid = paid is not None and all(abs(reward - one) >= SAME_REWARD * scale for one in paid)
        if unpaid and float(same.max() - same.min()) < SAME_REWARD * scale:
            continue
        if all(abs(reward - kind) >= SAME_REWARD * scale for kind in kinds):
            kinds.append(reward)
    apart = (rewards[:, None] - torch.tensor(kinds, dtype=torch.float64)).abs() >= SAME_REWARD * scale
    others = apart.all(1)
    alone = int(others.sum())
    bare = (target[:, None] - torch.tensor(kinds, dtype=torch.float64)).abs() < SAME_REWARD * scale
    over = int((others & bare.any(1)).sum())
    zero = int((others & (target == 0)).sum())
    return Bootstrap(factor, kinds[-KINDS:], alone, over, zero) if alone <= FEW * target.numel() else None


def weighs_choices(nodes: list[Any], chosen: Any) -> bool:
    """Log-probabilities of what was `chosen` are weighted by numbers of both signs: the value of such a loss says
    nothing of how far a policy has come."""
    below = chosen.next_functions[0][0]
    shape = graph.output_shape(below) if below is not None else None
    # Not of words: a language model that is tuned by rewards moves little on purpose.
    if shape is None or len(shape) > 2 or shape[-1] > ACTIONS:
        return False
    return any(_weighs_choices(node) for node in nodes[: terms.NODE_LIMIT])


def ratio_of_policies(nodes: list[Any]) -> torch.Tensor | None:
    """exp(a - b), with b a number without a graph for each example, where it is multiplied with advantages."""
    for node in nodes[: terms.NODE_LIMIT]:
        child = next((child for child, _ in node.next_functions if child is not None), None)
        if child is None or child.name() != "ExpBackward0" or not _weighs_choices(node):
            continue
        below = child.next_functions[0][0]
        ratio = graph.saved(child, "_saved_result")
        if ratio is None or ratio.numel() < 8 or below is None or below.name() != "SubBackward0":
            continue
        if [key is None for key, _ in below.next_functions] == [False, True]:
            return ratio.float()
    return None


def weights_of_choices(nodes: list[Any]) -> list[torch.Tensor]:
    """What log-probabilities of choices, or ratios of probabilities, are multiplied with: advantages, masks."""
    if not any(map(chooses, nodes)) or not any("Log" in node.name() or "Nll" in node.name() for node in nodes):
        return []  # without a logarithm they are values of actions
    return [weights for _, weights in fixed_sides_above_choices(nodes)]


def fixed_sides_above_choices(nodes: list[Any]) -> list[tuple[Any, torch.Tensor]]:
    """(node that multiplies, these weights)"""
    found = ((node, _weights_of_choices(node, chooses)) for node in nodes[: terms.NODE_LIMIT])
    return [(node, weights) for node, weights in found if weights is not None]


def chooses(node: Any) -> bool:
    """Takes the log-probability of what was chosen; trl has an operation of its own for that."""
    name: str = node.name()
    return name in CHOOSING or "LogProb" in name


def sign_of_choice(node: Any) -> float | None:
    """The sign with which the log-probability of what was chosen makes the value of `node`, or a sum of such does; None
    where there is none nearby."""
    level, chosen = [(node, 1.0)], False
    for _ in range(DEPTH):
        for one, sign in level:
            chosen = chosen or chooses(one)
            if "Nll" in one.name() or (chosen and "Logsumexp" in one.name()):
                return -sign  # what is chosen, less this, is the logarithm
            if "LogProb" in one.name() or (chosen and "Log" in one.name()):
                return sign
        level = [
            (child, -sign if factor < 0 else sign)
            for above, sign in level
            for (child, _), factor in terms.operands(above)
            or [(key, 1.0) for key in above.next_functions if key[0] is not None]
        ][: terms.PARTNERS]
    return None


def _weighs_choices(node: Any) -> bool:
    """Log-probabilities of choices, or ratios of probabilities, times numbers of both signs."""
    weights = _weights_of_choices(node, lambda child: child.name() == "GatherBackward0")
    return weights is not None and float(weights.min()) < 0 < float(weights.max())


def _weights_of_choices(node: Any, chooses: Callable[[Any], bool]) -> torch.Tensor | None:
    weights = fixed_side(node)
    if weights is None or weights.numel() < 4 or weights.dtype == torch.bool:
        return None  # masks weigh nothing
    return weights if above_choice(node, chooses) else None


def fixed_side(node: Any) -> torch.Tensor | None:
    """What a value with a graph is multiplied with, if that has none."""
    children = [child for child, _ in node.next_functions]
    if node.name() != "MulBackward0" or len(children) != 2 or children.count(None) != 1:
        return None
    return graph.saved(node, "_saved_self" if children[0] is None else "_saved_other")


def above_choice(node: Any, chooses: Callable[[Any], bool] = chooses) -> bool:
    """There is a log-probability of a choice not far below."""
    level = [child for child, _ in node.next_functions if child is not None]
    for _ in range(terms.DESCENT):
        if any(map(chooses, level)):
            return True
        level = [child for above in level for child, _ in above.next_functions if child is not None][: terms.PARTNERS]
    return False


def weighs_by_graph(nodes: list[Any]) -> bool:
    """A log-probability of a choice is multiplied with a fixed number less a value that has a graph of its own."""
    for node in nodes[: terms.NODE_LIMIT]:
        sides = [child for child, _ in node.next_functions]
        if node.name() != "MulBackward0" or len(sides) != 2 or None in sides:
            continue
        chosen = [sign_of_choice(side) is not None for side in sides]
        if chosen.count(True) == 1 and _less_a_value(sides[chosen.index(False)]):
            return True
    return False


def _less_a_value(node: Any) -> bool:
    """It is a fixed tensor less a value with a graph, or scaled from that, or freed from its own mean and deviation."""
    for _ in range(DEPTH):
        sides = [child for child, _ in node.next_functions]
        if node.name() == "SubBackward0" and sides.count(None) == 1:
            return True
        steps = terms.operands(node)
        if node.name() in ("SubBackward0", "DivBackward0") and None not in sides:
            node = sides[0]
        elif steps is not None and len(steps) == 1:
            node = steps[0][0][0]
        else:
            return False
    return False
