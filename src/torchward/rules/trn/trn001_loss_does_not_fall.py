"""TRN001: the loss does not fall."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator

from torchward.facts import Run, Training
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at
from torchward.rules._progress import Progress, progress

LONG = 300
"""Steps from which a flat curve is no longer a slow start."""
STILL_RUNNING = 2_000
"""Steps before which a run that goes on is not judged: it may be warming up."""
SMALL = 1e-3
"""A loss that starts below this, with data of unit scale, has nothing left to lose."""
TUNED = 0.75
"""A first cross-entropy below this share of ln(classes) is that of a model which was trained before."""


def _is_converged(run: Run, course: Progress) -> bool:
    """It began where others end: a model that is tuned further, or a loss that is zero already."""
    if course.start < SMALL:
        return True
    held = set(course.training.optimizers)
    tuned = any(parameter.loaded and held & set(parameter.optimizers) for parameter in run.parameters)
    classes = course.loss.classes if course.loss is not None else None
    if classes is not None and classes > 1 and course.start < TUNED * math.log(classes):
        tuned = True
    return tuned and not course.at_chance


def _makes_its_targets(run: Run, training: Training) -> bool:
    """Most steps call more models, or one more often, than they train: a target, a teacher, a policy that acts.

    Such a loss follows its own moving targets and need not fall.
    """
    trained = {model.index for model in run.models if training.index in model.in_trainings}
    within = [cycle for cycle in run.cycles if training.first_step <= cycle.step <= training.last_step]
    extra = 0
    for cycle in within:
        called = Counter(index for name, index in cycle.events if name == "forward")
        passes = sum(name == "backward" for name, _ in cycle.events)
        extra += any(index not in trained or count > max(1, passes) for index, count in called.items())
    return 2 * extra > len(within)


def check(run: Run) -> Iterator[Finding]:
    for training in run.trainings:
        course = progress(run, training)
        if course is None or (course.fell and not course.at_chance) or _is_converged(run, course):
            continue
        if not run.ended and course.count < STILL_RUNNING:
            continue
        if course.stream.kind in ("", "custom") or _makes_its_targets(run, training):
            # A loss of the user's own may be one that need not fall: a policy gradient, an estimate, a bound.
            continue
        site = course.stream.site
        sure = course.count >= LONG and course.level is not None
        yield Finding(
            "TRN001",
            data={
                "steps": course.count,
                "start": course.start,
                "end": course.end,
                "loss": course.stream.kind,
                **({"constant": course.level} if course.level is not None else {}),
            },
            place=at(site, course.stream.values.between(training.first_step, training.last_step)),
            confidence=Confidence.LIKELY if sure else Confidence.POSSIBLE,
        )


RULE = Rule(
    code="TRN001",
    name="loss-does-not-fall",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "After {steps} steps the loss is {end}, at the start it was {start}: next to nothing was learned from the "
        "inputs.",
        "经过 {steps} 步，损失为 {end}，开始时为 {start}：几乎没有从输入中学到东西。",
    ),
    why=Text(
        "Something between the data and the weights does not work, or the inputs say nothing about the targets. Where "
        "another finding stands beside this one, begin with that.",
        "从数据到权重的某个环节没有起作用，或者输入与目标之间没有关系。如果旁边还有其他报告，请先处理它们。",
    ),
    fix=Text(
        "Train on 20 fixed examples until the loss is near 0; if it gets there, look at the learning rate (try 10 "
        "times "
        "more and 10 times less) and at whether inputs and targets still belong together; if not, at the model.",
        "先在固定的 20 个样本上训练，看损失能否接近 0：能，则检查学习率（试试大 10 倍和小 10 倍）"
        "以及输入与目标是否仍然对应；"
        "不能，则检查模型。",
    ),
    bad="""\
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
inputs = torch.randn(4000, 12)
targets = (inputs.square().sum(1) > 11.3).long()

dataset = TensorDataset(inputs, targets)
model = nn.Linear(12, 2)
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(6):
    for x, y in DataLoader(dataset, batch_size=50, shuffle=True):
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
inputs = torch.randn(4000, 12)
targets = (inputs.square().sum(1) > 11.3).long()

dataset = TensorDataset(inputs, targets)
model = nn.Sequential(nn.Linear(12, 24), nn.ReLU(), nn.Linear(24, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(6):
    for x, y in DataLoader(dataset, batch_size=50, shuffle=True):
        loss = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    links=("https://karpathy.github.io/2019/04/25/recipe/",),
    needs=("loss",),
)
