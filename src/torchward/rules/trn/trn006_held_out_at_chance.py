"""TRN006: nearly everything is right in training, and held-out data are guessed."""

from __future__ import annotations

import math
from collections.abc import Iterator
from statistics import median

from torchward.facts import Loss, Run, Series, Site, Training
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

EVALUATIONS = 3
EXAMPLES = 60
"""Held-out examples in one evaluation, at least: fewer are too few to tell guessing."""
LEARNED = 0.9
CLASSES = 3
"""Of two classes a wrong half is noise; of more, it is not."""
CHANCE = 1.1
"""Times the share of the largest class."""
BELOW = 0.5


def check(run: Run) -> Iterator[Finding]:
    for training in run.trainings:
        if training.adversarial or len(training.losses) != 1:
            continue
        used = [
            one
            for one in run.losses
            if one.training and len(one.values.between(training.first_step, training.last_step)) > 1
        ]
        for loss in run.losses:
            if len(used) == 1 and loss.index in training.evaluations and loss.kind == used[0].kind:
                seen = loss.evaluated.between(_first(training), training.last_step + 1).values
                yield from _judge(training, used[0], loss.accuracy, min(seen, default=0), loss.site)
        for answers in run.answers:
            if len(used) == 1 and used[0].judges is not None and used[0].judges[0] == answers.model:
                yield from _judge(training, used[0], answers.right, answers.examples, answers.site)


def _first(training: Training) -> int:
    """What stands at the first step of a later training was computed at the end of the one before."""
    return training.first_step + 1 if training.first_step else 0


def _judge(training: Training, used: Loss, score: Series, examples: float, site: Site | None) -> Iterator[Finding]:
    scores = score.between(_first(training), training.last_step + 1).values
    right = [value for value in used.accuracy.values if math.isfinite(value)]
    held = [value for value in scores if math.isfinite(value)]
    # Where tasks come one after the other, each may be evaluated before it is trained, and after it was forgotten.
    ever = max((value for value in score.values if math.isfinite(value)), default=0.0)
    total, classes = sum(used.target_values.values()), len(used.target_values)
    if len(held) < EVALUATIONS or len(right) < 5 or classes < CLASSES or not total or examples < EXAMPLES:
        return
    largest = max(used.target_values.values()) / total
    trained, now = median(right[-5:]), median(held[-EVALUATIONS:])
    if trained < LEARNED or now > CHANCE * largest or ever > 2 * largest or ever > 0.5:
        return
    yield Finding(
        "TRN006",
        data={
            "trained": trained,
            "held_out": now,
            "chance": largest,
            "classes": classes,
            "examples": int(examples),
            "below": now < BELOW * largest,
        },
        place=at(site, score),
        confidence=Confidence.LIKELY,
    )


RULE = Rule(
    code="TRN006",
    name="held-out-at-chance",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "{trained:.0%} of the training examples are right and {held_out:.0%} of the held-out ones, no more than always naming "
        "the largest of {classes} classes gives ({chance:.0%}).",
        "训练样本的准确率为 {trained:.0%}，而留出样本只有 {held_out:.0%}，不高于总是回答 {classes} 个类别中最大的一类（{chance:.0%}）。",
    ),
    why=Text(
        "Over-fitting makes held-out results worse, but seldom as bad as guessing. Mostly the two sets are not prepared "
        "alike: classes are numbered differently, labels are out of step, or inputs are scaled in one place only.",
        "过拟合会使留出结果变差，但很少差到与猜测无异。多半是两份数据的处理不一致：类别编号不同、标签错位，"
        "或者只对其中一份做了输入缩放。",
    ),
    fix=Text(
        "Evaluate on a few training examples through the held-out path; if they fail, too, compare the two pipelines: "
        "`class_to_idx`, normalisation, order of labels.",
        "用留出集的流程评估几个训练样本；如果也出错，就逐项比较两条流程：`class_to_idx`、归一化、标签顺序。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(1500, 10)
names = ["ant", "bee", "cat", "dog", "eel"]
words = [names[i] for i in (x @ torch.randn(10, 5)).argmax(1).tolist()]


def encode(words, order):
    index = {name: i for i, name in enumerate(order)}
    return torch.tensor([index[word] for word in words])


train_x, train_y = x[:1200], encode(words[:1200], sorted(set(words[:1200])))
test_x, test_y = x[1200:], encode(sorted(words[1200:]), sorted(set(words[:1200])))
model = nn.Sequential(nn.Linear(10, 64), nn.ReLU(), nn.Linear(64, 5))
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
for epoch in range(12):
    for rows in torch.randperm(1200).split(60):
        loss = nn.functional.cross_entropy(model(train_x[rows]), train_y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        held_out = nn.functional.cross_entropy(model(test_x), test_y)
    print(epoch, loss.item(), held_out.item())
""",
    good="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(1500, 10)
names = ["ant", "bee", "cat", "dog", "eel"]
words = [names[i] for i in (x @ torch.randn(10, 5)).argmax(1).tolist()]


def encode(words, order):
    index = {name: i for i, name in enumerate(order)}
    return torch.tensor([index[word] for word in words])


train_x, train_y = x[:1200], encode(words[:1200], names)
test_x, test_y = x[1200:], encode(words[1200:], names)
model = nn.Sequential(nn.Linear(10, 64), nn.ReLU(), nn.Linear(64, 5))
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
for epoch in range(12):
    for rows in torch.randperm(1200).split(60):
        loss = nn.functional.cross_entropy(model(train_x[rows]), train_y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        held_out = nn.functional.cross_entropy(model(test_x), test_y)
    print(epoch, loss.item(), held_out.item())
""",
    links=("https://karpathy.github.io/2019/04/25/recipe/",),
    explains=("TRN002",),
    needs=("loss",),
)
