"""DAT006: inputs and targets do not belong together."""

from __future__ import annotations

import math
from collections.abc import Iterator

from torchward.facts import Loss, Pairs, Run, Training
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at
from torchward.rules._progress import MINIMUM, Progress, progress

STEPS = 50
"""Fewer than for what a loss says alone: here it must only not contradict what the pairs say. Up to `MINIMUM` it is but a
possibility."""
PAIRS, FEWER = 200, 120
"""... fewer, where held-out data are guessed as well."""
EXPLAINED = 0.02
"""Share of the variance that unrelated inputs explain at most; measured on pairs of over a hundred programs, related
ones explain 0.07 and more, shuffled ones less than 0 on average."""
DEVIATIONS = 4.0
TOLD = 0.3
"""Inputs that explain so much of the targets that are not one and the same value do belong to them."""
PLAIN = (2, 4)
"""Axes of tables and images. In a sequence the relation may well be one that the simple model cannot express: ..."""
SEQUENCE = 3
"""... it is looked at where nothing at all was learned, and then but a possibility."""
EVALUATIONS = 2
FAR = 1.5
"""... or a single one, of a loss so many times that of guessing: what was learned by heart is wrong elsewhere."""
CHANCE = 0.97
"""An evaluation loss of this share of the entropy of the classes, or more, is no better than guessing."""
ENTROPY = ("cross_entropy", "nll_loss", "binary_cross_entropy", "binary_cross_entropy_with_logits")
BY_HEART = 0.9
"""Of the loss of guessing: single examples that are learned by heart take a loss below it, too, by a few percent for
each pass over them."""
BALANCED = 0.8


def _unrelated(pairs: Pairs) -> bool:
    return (
        pairs.explained is not None
        and pairs.pairs >= FEWER
        and pairs.targets >= 2
        and pairs.axes in (*PLAIN, SEQUENCE)
        and pairs.explained < min(EXPLAINED, pairs.shuffled + DEVIATIONS * pairs.shuffled_deviation)
        and (not pairs.filled_told or pairs.filled_told[-1] < TOLD)
    )


def _evaluated_at_chance(run: Run, training: Training, course: Progress, pairs: Pairs) -> bool:
    """Whatever was learned of the training examples, every evaluation is no better than guessing."""
    if course.loss is None or course.loss.reduction != "mean":
        return False
    guessed = _guessed(course.loss, pairs)
    judged = [run.losses[index] for index in training.evaluations if index < len(run.losses)]
    judged = [loss for loss in judged if loss.kind == course.loss.kind and loss.values]
    judged = [one for one in judged if len(one.values) >= EVALUATIONS or one.values.values[0] >= FAR * guessed]
    return bool(judged and guessed) and all(
        value >= CHANCE * guessed for loss in judged for value in loss.values.values if math.isfinite(value)
    )


def _answers_at_chance(run: Run, training: Training, course: Progress) -> bool:
    """Held-out answers are no more often right than by naming the most frequent class: few pairs with much noise say as
    little to the simple model, and yet something is learned of them."""
    shares = course.loss.class_shares if course.loss is not None else ()
    judged = [run.losses[index].accuracy.values for index in training.evaluations if index < len(run.losses)]
    return bool(shares and any(judged)) and all(values[-1] <= max(shares) for values in judged if values)


def _guessed(loss: Loss, pairs: Pairs) -> float:
    """The loss of the best prediction that ignores the input; 0 where it cannot be told."""
    if pairs.guessed is not None:
        return pairs.guessed
    if loss.kind not in ENTROPY or loss.weights or loss.positive_weights or loss.label_smoothing:
        return 0.0
    return -sum(share * math.log(share) for share in loss.class_shares if share)


def _by_heart(course: Progress, pairs: Pairs) -> bool:
    """So little was learned that single examples may be all of it. Rare classes are learned slowly, and left alone."""
    if course.loss is None:
        return course.end >= BY_HEART * (pairs.guessed or math.inf)
    guessed, shares = _guessed(course.loss, pairs), course.loss.class_shares
    if course.loss.reduction != "mean" or not guessed:
        return False
    if pairs.guessed is None and guessed < BALANCED * math.log(len(shares)):
        return False
    return course.end >= BY_HEART * guessed


def _nothing_learned(run: Run, training: Training, course: Progress, pairs: Pairs) -> Confidence | None:
    if (course.loss is None) != pairs.by_hand or (course.loss is not None and course.loss.kind != pairs.loss_kind):
        return None
    evaluated = _evaluated_at_chance(run, training, course, pairs)
    if pairs.pairs < PAIRS and not (evaluated and _answers_at_chance(run, training, course)):
        return None
    if course.at_chance or evaluated:
        return Confidence.LIKELY if pairs.axes in PLAIN else Confidence.POSSIBLE
    return Confidence.POSSIBLE if pairs.axes in PLAIN and _by_heart(course, pairs) else None


def check(run: Run) -> Iterator[Finding]:
    for pairs in filter(_unrelated, run.pairs):
        model = next((one for one in run.models if one.index == pairs.model), None)
        for training in run.trainings:
            course = progress(run, training, STEPS)
            if model is None or training.index not in model.in_trainings or course is None:
                continue
            confidence = _nothing_learned(run, training, course, pairs)
            if confidence is None:
                continue
            if course.count < MINIMUM:
                confidence = Confidence.POSSIBLE
            yield Finding(
                "DAT006",
                data={
                    "model": model.name,
                    "pairs": pairs.pairs,
                    "explained": max(0.0, pairs.explained or 0.0),
                    "steps": course.count,
                    "loss": course.end,
                    "loss_kind": pairs.loss_kind,
                },
                place=at(model.site, course.stream.values.between(training.first_step, training.last_step)),
                confidence=confidence,
                severity=Severity.HINT if confidence is Confidence.POSSIBLE else None,
            )
            break


RULE = Rule(
    code="DAT006",
    name="inputs-say-nothing-of-targets",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "The inputs of `{model}` say nothing about its targets: on {pairs} pairs gathered from the run a simple "
        "model explains {explained:.1%} of the targets, no more than on shuffled pairs, and after {steps} steps "
        "nothing general has been learned (`{loss_kind}` {loss}).",
        "`{model}` 的输入与目标无关：在运行中收集的 {pairs} 对样本上，简单模型只能解释目标的 {explained:.1%}，"
        "与打乱配对后没有区别；训练 {steps} 步后也没有学到任何规律（`{loss_kind}` 为 {loss}）。",
    ),
    why=Text(
        "Where inputs and targets have come out of step (sorted, shuffled or filtered apart, joined on the wrong key, "
        "the wrong column read) there is nothing to learn, and no change to model or learning rate will help.",
        "输入与目标错位时（分别排序、打乱或筛选，按错误的键合并，读错了列），没有任何规律可学，"
        "改模型或学习率都无济于事。",
    ),
    fix=Text(
        "Look at a few raw pairs by eye, and keep both in one order: `order = torch.randperm(len(x))`, then "
        "`x, y = x[order], y[order]`; sort, filter and split both together.",
        "人工查看几对原始样本，并让两者保持同一顺序：先 `order = torch.randperm(len(x))`，"
        "再 `x, y = x[order], y[order]`；排序、筛选和划分都要同时作用于两者。",
    ),
    bad="""\
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
inputs = torch.randn(3000, 12)
targets = (inputs @ torch.randn(12, 4)).argmax(1)

keep = inputs[:, 0].abs() < 2.5
inputs = inputs[keep]
targets = targets[: len(inputs)]
model = nn.Sequential(nn.Linear(12, 24), nn.ReLU(), nn.Linear(24, 4))
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(5):
    for x, y in DataLoader(TensorDataset(inputs.flip(0), targets), batch_size=50, shuffle=True):
        loss = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    good="""\
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
inputs = torch.randn(3000, 12)
targets = (inputs @ torch.randn(12, 4)).argmax(1)

keep = inputs[:, 0].abs() < 2.5
inputs, targets = inputs[keep], targets[keep]
model = nn.Sequential(nn.Linear(12, 24), nn.ReLU(), nn.Linear(24, 4))
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(5):
    for x, y in DataLoader(TensorDataset(inputs.flip(0), targets.flip(0)), batch_size=50, shuffle=True):
        loss = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    links=("https://karpathy.github.io/2019/04/25/recipe/",),
    explains=("TRN001", "TRN002", "TRN003", "TRN006"),
    needs=("probes", "loss"),
)
