"""LOS010: weights that make the frequent class count more, and the rare one less."""

from __future__ import annotations

import math
from collections.abc import Iterator
from statistics import correlation

from torchward.facts import Loss, Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

TARGETS = 200
"""Targets seen, from which on the shares of the classes are known well enough."""
IMBALANCE = 3.0
"""Most frequent over rarest class from which the weights must be meant to balance them."""
SPREAD = 1.5
"""Largest over smallest weight from which they do anything."""
SEVERAL, FEWEST = 3, 50
"""Classes, and targets of each, by which the order of weights is known."""
SAME = 0.3
"""Logarithm of what products of weight and frequency may differ by that are to be one number: two and a half deviations
of a class of 50, and its part of the training data."""
AGREES = 0.8
"""Correlation of the logarithms of weights and shares. Weights that balance have -1."""

LABELS = 2
"""Labels up to which the order of their weights may be chance: any two agree or not."""


def check(run: Run) -> Iterator[Finding]:
    for loss in run.losses:
        if not loss.training or sum(loss.target_values.values()) < TARGETS:
            continue
        counts, total = loss.target_values, sum(loss.target_values.values())
        found = _by_class(loss) or _by_order(loss) or _by_sign(loss)
        if found is None:
            counts, total = loss.label_positives, loss.label_rows
            found = _by_label(loss)
        if found is None:
            continue
        frequent, rare, heavy, light = found
        yield Finding(
            "LOS010",
            data={
                "loss": loss.kind,
                "argument": "pos_weight" if loss.kind == "binary_cross_entropy_with_logits" else "weight",
                "frequent": frequent,
                "frequent_share": counts[frequent] / total,
                "frequent_weight": heavy,
                "rare": rare,
                "rare_share": counts[rare] / total,
                "rare_weight": light,
                "targets": total,
            },
            place=at(loss.site, loss.values),
            confidence=Confidence.LIKELY,
        )


def _by_class(loss: Loss) -> tuple[int, int, float, float] | None:
    """(most frequent class, rarest, their weights), if the weights rise with the shares."""
    counts = {label: count for label, count in loss.target_values.items() if count and 0 <= label < len(loss.weights)}
    if loss.kind not in ("cross_entropy", "nll_loss") or len(counts) < 2 or len(counts) < len(loss.target_values):
        return None
    weights = {label: loss.weights[label] for label in counts}
    frequent, rare = max(counts, key=lambda label: counts[label]), min(counts, key=lambda label: counts[label])
    if min(weights.values()) <= 0 or counts[frequent] < IMBALANCE * counts[rare]:
        return None
    if weights[frequent] < SPREAD * weights[rare]:
        return None
    agreement = correlation([math.log(counts[n]) for n in counts], [math.log(weights[n]) for n in counts])
    return (frequent, rare, weights[frequent], weights[rare]) if agreement >= AGREES else None


def _by_order(loss: Loss) -> tuple[int, int, float, float] | None:
    """The weights are the inverse frequencies of these very classes, in another order: that of their names, say, while
    the targets are numbered otherwise."""
    counts = {label: count for label, count in loss.target_values.items() if count and 0 <= label < len(loss.weights)}
    if loss.kind not in ("cross_entropy", "nll_loss") or len(counts) < SEVERAL or len(counts) < len(loss.target_values):
        return None
    weights = {label: loss.weights[label] for label in counts}
    least, most = min(counts.values()), max(counts.values())
    if min(weights.values()) <= 0 or least < FEWEST or most < IMBALANCE * least:
        return None
    for power in (1.0, 0.5):
        shares = {label: counts[label] ** power for label in counts}
        fitting = [
            math.log(weight * share)
            for weight, share in zip(sorted(weights.values(), reverse=True), sorted(shares.values()), strict=True)
        ]
        own = {label: weights[label] * shares[label] for label in counts}
        high, low = max(own, key=lambda label: own[label]), min(own, key=lambda label: own[label])
        if max(fitting) - min(fitting) <= SAME and own[high] >= IMBALANCE * own[low]:
            return high, low, weights[high], weights[low]
    return None


def _by_sign(loss: Loss) -> tuple[int, int, float, float] | None:
    if len(loss.positive_weights) != 1 or set(loss.target_values) != {0, 1}:
        return None
    weight, ratio = loss.positive_weights[0], loss.target_values[1] / loss.target_values[0]
    if weight <= 0 or max(ratio, 1 / ratio) < IMBALANCE or max(weight, 1 / weight) < SPREAD:
        return None
    if (weight > 1) != (ratio > 1):
        return None
    return (1, 0, weight, 1.0) if ratio > 1 else (0, 1, 1.0, weight)


def _by_label(loss: Loss) -> tuple[int, int, float, float] | None:
    """(most frequent label, rarest, their weights), if the weights of positive ones rise with how many there are."""
    rows, positive = loss.label_rows, loss.label_positives
    weights = dict(enumerate(loss.positive_weights))
    if rows < TARGETS or not loss.target_binary or len(weights) < 2 or min(weights.values()) <= 0:
        return None
    if any(not 0 < positive.get(label, 0) < rows for label in weights):
        return None
    ratios = {label: positive[label] / (rows - positive[label]) for label in weights}
    frequent, rare = max(ratios, key=lambda label: ratios[label]), min(ratios, key=lambda label: ratios[label])
    # One weight for all may be meant to make the model careful.
    if weights[frequent] < SPREAD * weights[rare]:
        return None
    agreement = correlation([math.log(ratios[n]) for n in weights], [math.log(weights[n]) for n in weights])
    far = [label for label in weights if max(ratios[label], 1 / ratios[label]) >= IMBALANCE]
    wrong = [label for label in far if (weights[label] > 1) == (ratios[label] > 1)]
    apart = len(weights) > LABELS and ratios[frequent] >= IMBALANCE * ratios[rare]
    if agreement < AGREES or not (apart or (far and far == wrong)):
        return None
    return frequent, rare, weights[frequent], weights[rare]


RULE = Rule(
    code="LOS010",
    name="class-weights-reversed",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "`{argument}` of `{loss}` gives class {frequent} ({frequent_share:.0%} of the targets) the weight "
        "{frequent_weight}, and class {rare} ({rare_share:.1%}) only {rare_weight}.",
        "`{loss}` 的 `{argument}` 给类别 {frequent}（占目标的 {frequent_share:.0%}）的权重是 {frequent_weight}，"
        "而给类别 {rare}（占 {rare_share:.1%}）的只有 {rare_weight}。",
    ),
    why=Text(
        "Weights are there to make rare classes count as much as frequent ones. These do the opposite: the imbalance "
        "is multiplied, and the model learns to leave the rare class out.",
        "类别权重的作用是让稀少的类别与常见的类别同等重要。这里正好相反：不平衡被进一步放大，模型学会忽略稀少的类别。",
    ),
    fix=Text(
        "Use the inverse of the frequencies: `weight = counts.sum() / (len(counts) * counts)`; for `pos_weight`, "
        "`negatives / positives`.",
        "使用频率的倒数：`weight = counts.sum() / (len(counts) * counts)`；`pos_weight` 则用 `negatives / positives`。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(2000, 8)
score = x[:, 0] + 0.5 * x[:, 1]
y = (score > 0.4).long() + (score > 1.4).long()
counts = torch.bincount(y).float()
weight = counts / counts.sum()

model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 3))
criterion = nn.CrossEntropyLoss(weight=weight)
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(8):
    for rows in torch.randperm(2000).split(50):
        optimizer.zero_grad()
        loss = criterion(model(x[rows]), y[rows])
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    good="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(2000, 8)
score = x[:, 0] + 0.5 * x[:, 1]
y = (score > 0.4).long() + (score > 1.4).long()
counts = torch.bincount(y).float()
weight = counts.sum() / (3 * counts)

model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 3))
criterion = nn.CrossEntropyLoss(weight=weight)
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(8):
    for rows in torch.randperm(2000).split(50):
        optimizer.zero_grad()
        loss = criterion(model(x[rows]), y[rows])
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    links=(
        "https://docs.pytorch.org/docs/stable/generated/torch.nn.CrossEntropyLoss.html",
        "https://docs.pytorch.org/docs/stable/generated/torch.nn.BCEWithLogitsLoss.html",
    ),
    explains=("TRN001", "TRN003"),
    needs=("loss",),
)
