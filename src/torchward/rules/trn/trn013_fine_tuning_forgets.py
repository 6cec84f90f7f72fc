"""TRN013: training undoes what a model could do before: its first held-out result is never reached again."""

from __future__ import annotations

import math
from collections.abc import Iterator

from torchward.facts import Answers, Loss, Run, Training
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

AFTER = 3
"""Evaluations after training began, at least; the last ones are compared with what was there before."""
KEPT = 0.7
"""Share of the score that is left, and ..."""
TIMES = 2.0
"""... how many times as large the loss has become. Fine-tuning that over-fits a little costs a few percent."""
LEAST = 0.5
"""Score from which on a model could do something."""
EXAMPLES = 60
"""Of a set whose right answers the program counts itself, at least."""


OF_CLASS = 10
"""Examples of a class that are compared in one evaluation, at least."""
FORGOTTEN, SEVERAL, SHARE = 0.5, 2, 0.5
"""Part of what was right of a class that is left, below which it is forgotten; so many classes, and so large a share of those that the
model could name before."""


def check(run: Run) -> Iterator[Finding]:
    if not run.ended or not run.trainings:
        return
    training = run.trainings[-1]
    trained = [one for one in run.parameters if set(one.optimizers) & set(training.optimizers)]
    loaded = bool(trained) and all(one.loaded for one in trained)
    if training.adversarial or not (loaded or training.index):
        return
    # An evaluation that several models share says nothing of one of them.
    for loss in run.losses if len(run.models) == 1 else ():
        if loss.index in training.evaluations:
            yield from _judge(loss, training)
    models = {one.model for one in trained}
    for answers in run.answers:
        if answers.model in models and answers.examples >= EXAMPLES:
            yield from _judge_answers(answers, training)


def check_classes(run: Run) -> Iterator[Finding]:
    """Each evaluation in the meantime may have been of the new classes alone: the last one asks for the old ones, too."""
    if not run.ended or not run.trainings or not run.trainings[-1].index or run.trainings[-1].adversarial:
        return
    training = run.trainings[-1]
    before_it = {index for one in run.trainings[:-1] for index in one.optimizers}
    held = {index for one in run.optimizers if one.index in training.optimizers for index in one.parameters}
    earlier = {index for one in run.optimizers if one.index in before_it for index in one.parameters}
    if not held or not held <= earlier:
        return  # a new head, or a new model
    for model in {one.model for one in run.parameters if one.index in held}:
        before: dict[int, float] = {}
        after: dict[int, float] = {}
        for answers in run.class_answers:
            if answers.model != model or training.first_step < answers.step < training.last_step:
                continue
            shares = {
                one: named.right / named.examples
                for one, named in answers.classes.items()
                if named.examples >= OF_CLASS
            }
            (before if answers.step <= training.first_step else after).update(shares)
        known = [one for one, share in before.items() if share >= LEAST and one in after]
        lost = [one for one in known if after[one] < FORGOTTEN * before[one]]
        # Classes that are new: an evaluation of spoiled inputs names old ones.
        learned = [one for one, share in after.items() if share >= LEAST and before.get(one, 0.0) < LEAST]
        if len(lost) >= max(SEVERAL, SHARE * len(known)) and learned:
            yield Finding(
                "TRN013",
                data={
                    "before": sum(before[one] for one in lost) / len(lost),
                    "after": sum(after[one] for one in lost) / len(lost),
                    "steps": training.last_step - training.first_step + 1,
                    "classes": len(lost),
                },
                place=at(next((one.site for one in run.answers if one.model == model), None)),
                confidence=Confidence.LIKELY,
            )
            return


def _judge_answers(answers: Answers, training: Training) -> Iterator[Finding]:
    before = [
        value
        for step, value in zip(answers.right.steps, answers.right.values, strict=True)
        if step <= training.first_step
    ]
    after = answers.right.values[len(before) :][-AFTER:]
    if before and after and before[-1] >= LEAST and max(after) < KEPT * before[-1]:
        yield Finding(
            "TRN013",
            data={
                "before": before[-1],
                "after": after[-1],
                "steps": training.last_step - training.first_step + 1,
                "classes": 0,
            },
            place=at(answers.site, answers.right),
            confidence=Confidence.LIKELY,
        )


def _judge(loss: Loss, training: Training) -> Iterator[Finding]:
    values, scores = loss.values, loss.accuracy
    before = [place for place, step in enumerate(values.steps) if step <= training.first_step]
    if not before or len(values) - len(before) < AFTER or len(scores) != len(values):
        return
    first, score = values.values[before[-1]], scores.values[before[-1]]
    last, kept = values.values[-AFTER:], scores.values[-AFTER:]
    if not all(map(math.isfinite, (first, score, *last, *kept))):
        return
    if score >= LEAST and max(kept) < KEPT * score and min(last) > TIMES * first:
        yield Finding(
            "TRN013",
            data={
                "before": score,
                "after": kept[-1],
                "steps": training.last_step - training.first_step + 1,
                "classes": 0,
            },
            place=at(loss.site, values),
            confidence=Confidence.LIKELY,
        )


RULE = Rule(
    code="TRN013",
    name="fine-tuning-forgets",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check, check_classes),
    message=Text(
        "when this training began, {before:.0%} of these held-out examples were right; after {steps} steps it is {after:.0%}, "
        "and nothing brought it back (classes forgotten, where they are counted apart: {classes}).",
        "这次训练开始时，这些留出样本的正确率为 {before:.0%}；训练 {steps} 步之后为 {after:.0%}，此后没有恢复"
        "（按类别统计时，被遗忘的类别数：{classes}）。",
    ),
    why=Text(
        "Weights are moved to what the new examples ask for; whatever these do not ask for is overwritten within a few "
        "hundred steps (catastrophic forgetting). If the held-out examples are of the old kind, the training ends with a "
        "model that is worse than the one it began with.",
        "权重会被调整去满足新样本的要求，而新样本没有要求的能力在几百步内就会被覆盖（灾难性遗忘）。"
        "如果留出样本属于原来的任务，训练结束时得到的模型比开始时更差。",
    ),
    fix=Text(
        "Mix examples of the old kind into every batch, train the head alone first (`requires_grad_(False)` for the body), "
        "lower the rate to a tenth or less, and keep the best weights by this very score. Check, too, that classes are "
        "numbered as they were, and that inputs are scaled as they were, when the model was first trained.",
        "在每个批次中混入原任务的样本；先只训练输出层（其余部分 `requires_grad_(False)`）；把学习率降到十分之一或更低；"
        "并按这个指标保留最好的权重。还要检查类别编号和输入缩放是否与模型最初训练时一致。",
    ),
    bad="""\
import torch
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(0)
digits = load_digits()
x, y = torch.tensor(digits.data, dtype=torch.float32) / 16, torch.tensor(digits.target)
x_val, y_val = x[1400:], y[1400:]
model = nn.Sequential(nn.Linear(64, 96), nn.ReLU(), nn.Linear(96, 10))


def train(x, y, epochs, lr):
    optimizer = torch.optim.Adam(model.parameters(), lr=lr)
    for epoch in range(epochs):
        evaluate()
        for rows in torch.randperm(len(x)).split(32):
            loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    evaluate()


def evaluate():
    with torch.no_grad():
        scores = model(x_val)
        print(nn.functional.cross_entropy(scores, y_val).item(), (scores.argmax(1) == y_val).float().mean().item())


train(x[:1400], y[:1400], epochs=10, lr=2e-3)
# A second task: the same digits upside down, as a camera that was mounted the other way round gives them.
train(x[:1400].flip(1), y[:1400], epochs=10, lr=5e-3)
""",
    good="""\
import torch
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(0)
digits = load_digits()
x, y = torch.tensor(digits.data, dtype=torch.float32) / 16, torch.tensor(digits.target)
x_val, y_val = x[1400:], y[1400:]
model = nn.Sequential(nn.Linear(64, 96), nn.ReLU(), nn.Linear(96, 10))


def train(x, y, epochs, lr):
    optimizer = torch.optim.Adam(model.parameters(), lr=lr)
    for epoch in range(epochs):
        evaluate()
        for rows in torch.randperm(len(x)).split(32):
            loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    evaluate()


def evaluate():
    with torch.no_grad():
        scores = model(x_val)
        print(nn.functional.cross_entropy(scores, y_val).item(), (scores.argmax(1) == y_val).float().mean().item())


train(x[:1400], y[:1400], epochs=10, lr=2e-3)
# A second task: the same digits upside down, among those of the first.
train(torch.cat([x[:1400], x[:1400].flip(1)]), y[:1400].repeat(2), epochs=6, lr=2e-3)
""",
    links=("https://arxiv.org/abs/1612.00796", "https://arxiv.org/abs/1801.06146"),
    explains=("TRN002", "TRN006"),
    explained_by=(
        "OPT007",
        "OPT050",
        "DAT001",
        "DAT002",
        "DAT022",
        "DAT023",
        "DAT044",
        "MOD007",
        "TRN001",
        "TRN003",
        "TRN009",
    ),
    needs=("loss",),
    preview=True,
)
