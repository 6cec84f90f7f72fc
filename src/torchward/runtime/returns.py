"""What a policy's loss weighs each action of an episode with, against the rewards that came: is it what followed?"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import torch

from torchward.runtime import graph, policies, terms

LEAST, MOST = 8, 512
"""Steps of an environment between two updates; ..."""
MOST_TOGETHER = 16_384
"""... those of all its copies."""
DISCOUNTS = (
    0.0,
    0.5,
    0.6,
    0.7,
    0.75,
    *(share / 100 for share in range(80, 100)),
    0.985,
    0.995,
    0.997,
    0.998,
    0.999,
    1.0,
)
EXACT = 1e-5
"""Of the variance of the weights, what may be left: rounding of single precision, and the 1e-8 that deviations get."""
DEPTH = 8


def weights_in_order(root: Any, steps: int, copies: int = 1) -> torch.Tensor | None:
    """What the log-probabilities of the choices in so many steps of an environment, or of each of its copies, are
    multiplied with in the loss, if they stand in order: one row for each step."""
    count = steps * copies
    queue = [(root, 1.0)]
    for _ in range(32):
        if not queue:
            break
        node, sign = queue.pop(0)
        children = [child for child, _ in node.next_functions]
        if node.name() in ("StackBackward0", "CatBackward0") and len(children) == count:
            found = [_chain(child) for child in children]
            numbers = [one for one in found if one is not None]
            rows = torch.tensor(numbers, dtype=torch.float64)
            return sign * rows.reshape(steps, copies) if len(numbers) == count else None
        if node.name() == "MulBackward0" and children.count(None) == 1:
            fixed = graph.saved(node, "_saved_self" if children[0] is None else "_saved_other")
            fits = fixed is not None and fixed.numel() == count and fixed.is_cpu
            if (
                fixed is not None
                and fits
                and (count in fixed.shape or fixed.shape in ((steps, copies), (copies, steps)))
            ):
                inner = _chain(next(child for child in children if child is not None))
                rows = fixed.T if fixed.shape == (copies, steps) and copies > 1 else fixed
                return sign * inner * rows.double().reshape(steps, copies) if inner is not None else None
        queue += [(child, sign if factor > 0 else -sign) for (child, _), factor in terms.operands(node) or () if factor]
    return None


def missed_in_order(root: Any, count: int) -> policies.Missed | None:
    """Where so many terms of the loss compare one value each with a target: all of them."""
    ends = terms.factors(root, limit=8 * count + terms.NODE_LIMIT)[1]
    found = [one for node, factor in ends if factor > 0 and (one := policies.error_of(node)) is not None]
    if len(found) != count or any(one.error.numel() != 1 or not one.error.is_cpu for one in found):
        return None
    targets = [one.target.flatten() for one in found if one.target is not None]
    error = torch.cat([one.error.flatten() for one in found])
    return policies.Missed(error, torch.cat(targets) if len(targets) == count else None)


def agreement(slopes: torch.Tensor, errors: torch.Tensor) -> float | None:
    """Correlation between the slopes of the loss by log-probabilities of choices and the errors of the values that were
    expected: where more came than was expected, the error is below 0, and the loss is to fall with the probability."""
    if slopes.numel() != errors.numel() or slopes.numel() < LEAST:
        return None
    one, other = (each.detach().double().flatten() - each.double().mean() for each in (slopes, errors))
    size = float(one.norm() * other.norm())
    return float(one @ other) / size if size > 0 else None


def _chain(node: Any) -> float | None:
    """The factor of a log-probability of a choice that is negated or multiplied with numbers; None of all else."""
    factor = 1.0
    for _ in range(DEPTH):
        if node is None or node.name() == graph.LEAF:
            return None
        children = [child for child, _ in node.next_functions]
        if policies.chooses(node) or (node.name() == "SubBackward0" and None not in children):
            break
        fixed = None
        if node.name() == "MulBackward0" and children.count(None) == 1:
            fixed = graph.saved(node, "_saved_self" if children[0] is None else "_saved_other")
        if fixed is not None and fixed.numel() == 1 and fixed.is_cpu:
            factor *= float(fixed)
            node = next(child for child in children if child is not None)
            continue
        steps = terms.operands(node)
        if steps is None or len(steps) != 1:
            break
        factor *= -1.0 if steps[0][1] < 0 else 1.0
        node = steps[0][0][0]
    sign = policies.sign_of_choice(node)
    return None if sign is None else factor * sign


def judge(weights: torch.Tensor, rewards: torch.Tensor, over: torch.Tensor) -> str:
    """What the weights are, up to a positive factor and a number added to all of them: `right`, the discounted sum of
    the rewards from each step on; `negative`, its opposite; `forward`, the sum of those up to it; `reversed`, the right
    sums in the wrong order; `across`, sums that go on past the end of an episode. Empty: anything else.

    All are of shape (steps, copies of the environment)."""
    right, across = _sums(rewards, over), _sums(rewards, torch.zeros_like(over))
    began = torch.cat([torch.zeros_like(over[:1]), over[:-1]])
    forward = _sums(rewards.flip(0), began.flip(0)).flip(1)
    length = _length(over)
    if length and _less_mean(weights[None], length).sub(weights).norm() <= EXACT * weights.norm():
        # The mean of all episodes at the same step was taken away, as a baseline.
        right, across, forward = (_less_mean(sums, length) for sums in (right, across, forward))
    found = {"right": _fit(right, weights), "negative": _fit(right, -weights)}
    if found["right"]:
        return "right"
    found |= {"across": _fit(across, weights), "forward": _fit(forward, weights)}
    ends = [0, *(torch.nonzero(over.all(1))[:, 0] + 1).tolist(), len(over)]
    blocks = [right[:, begin:end].flip(1) for begin, end in pairwise(ends)]
    found["reversed"] = _fit(torch.cat(blocks, 1), weights)
    return next((name for name in ("negative", "across", "forward", "reversed") if found[name]), "")


def _sums(rewards: torch.Tensor, over: torch.Tensor) -> torch.Tensor:
    """For each discount, the sum of the rewards from each step to the end of its episode."""
    discounts = torch.tensor(DISCOUNTS, dtype=torch.float64)[:, None]
    goes_on = (~over).double()
    total, found = discounts.new_zeros(len(discounts), rewards.shape[1]), []
    for reward, factor in zip(rewards.flip(0), goes_on.flip(0), strict=True):
        total = reward + factor * discounts * total
        found.append(total)
    return torch.stack(found[::-1], 1)


def _length(over: torch.Tensor) -> int:
    """Steps of each episode, where all of several have the same; 0 where they do not."""
    ends = over.all(1)
    first = int(ends.double().argmax()) + 1 if bool(ends.any()) else len(over)
    even = len(over) % first == 0 and torch.equal(over, ((torch.arange(len(over)) + 1) % first == 0)[:, None] & over)
    return first if even and over.numel() > first else 0


def _less_mean(sums: torch.Tensor, length: int) -> torch.Tensor:
    """Without the mean of all episodes of this length at each step of them; `sums` is (kinds, steps, copies)."""
    apart = sums.reshape(len(sums), -1, length, sums.shape[2])
    return (apart - apart.mean((1, 3), keepdim=True)).reshape(sums.shape)


def _fit(sums: torch.Tensor, weights: torch.Tensor) -> bool:
    """One of the rows is the weights, up to a positive factor and a number added to all."""
    return bool((unexplained(sums.flatten(1), weights.flatten()) < EXACT).any())


def unexplained(sums: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Share of the variance of the weights that is left by each of the rows, (kinds, count), times a positive factor
    and with a number added to all."""
    one, other = sums - sums.mean(1, keepdim=True), weights - weights.mean()
    product = (one * other).sum(1)
    sizes = one.square().sum(1) * other.square().sum()
    return torch.where(product > 0, 1 - product.square() / sizes.clamp(min=1e-300), 1.0)
