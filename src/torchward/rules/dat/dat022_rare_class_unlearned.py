"""DAT022: nearly all targets are one class, the model always names it, and has learned nothing else."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from torchward.facts import Loss, Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

LARGEST = 0.85
"""Share of the largest class from which on always naming it looks like a good accuracy."""
RARE = 30
"""Targets of other classes that were looked at."""
NAMED = 0.999
FALL = 0.1
"""The loss is not below that of the classes' shares by more than this: what the model says of an example is not worth
more than how common the classes are."""
ABOVE = 0.15
"""Nor above it by more: then even the shares are still being learned. It is taken from the same batches, so that how many
of the rare class they happen to hold does not matter: programs that never learn it end 3 to 13 % above."""
STEPS = 100
RARE_LATELY = 25
MISSED = 0.5
"""Of so many targets of other classes in the last batches, the model names others less than half as often as they come:
without weights that is what the least loss asks for where the classes overlap, and the accuracy hides it. Who judges by
ranks or chooses a threshold later does not mind, so it is a hint."""


def check(run: Run) -> Iterator[Finding]:
    if not run.ended or run.steps < STEPS or any(training.adversarial for training in run.trainings):
        return
    for loss in run.losses:
        found = _rare(loss)
        if found is None:
            continue
        unlearned = found["named"] < (1 - NAMED) * found["seen"] and (
            (1 - FALL) * found["level"] < found["end"] < (1 + ABOVE) * found["level"]
        )
        if unlearned and found["all"] >= RARE:
            yield Finding("DAT022", data=found, place=at(loss.site, loss.values), confidence=Confidence.LIKELY)
        elif found["rare"] >= RARE_LATELY and found["named"] < MISSED * found["rare"]:
            place = at(loss.site, loss.values)
            yield Finding("DAT022", found, place, Confidence.POSSIBLE, severity=Severity.HINT)


def _rare(loss: Loss) -> dict[str, Any] | None:
    """The largest class, how often others came and were named lately, and the losses of it and of naming the shares."""
    counts = {label: times for label, times in loss.target_values.items() if times}
    total, said = sum(counts.values()), sum(loss.recent_predicted.values())
    plain = loss.training and loss.reduction == "mean" and not loss.weights and not loss.positive_weights
    # Of several labels to an example each has a share of its own.
    several = loss.kind.startswith("binary") and len(loss.prediction_shape) > 1 and loss.prediction_shape[-1] > 1
    if not plain or several or len(counts) < 2 or not said or loss.label_smoothing or not len(loss.batch_classes):
        return None
    largest = max(counts, key=lambda label: counts[label])
    share = counts[largest] / total
    late = {label: times for label, times in loss.recent_target.items() if times and label in counts}
    recent = [value for value in loss.values.values[-10:] if math.isfinite(value)]
    if share < LARGEST or len(recent) < 5 or not late:
        return None
    return {
        "loss": loss.kind,
        "label": largest,
        "share": share,
        "all": total - counts[largest],
        "rare": sum(late.values()) - late.get(largest, 0),
        "named": said - loss.recent_predicted.get(largest, 0),
        "seen": sum(late.values()),
        # What naming the shares would have cost on the very batches that the end is taken from.
        "level": -sum(times * math.log(counts[label] / total) for label, times in late.items()) / sum(late.values()),
        "end": sum(recent) / len(recent),
    }


RULE = Rule(
    code="DAT022",
    name="rare-class-unlearned",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "{share:.1%} of the targets of `{loss}` are class {label}. Of the last {seen} looked at, {rare} were of other "
        "classes; the model named these {named} times. Its loss is {end}; knowing the shares alone gives {level}.",
        "`{loss}` 的目标有 {share:.1%} 是类别 {label}。最近查看的 {seen} 个目标中有 {rare} 个属于其他类别，"
        "模型只预测了 {named} 次其他类别。当前损失为 {end}；只知道各类比例时为 {level}。",
    ),
    why=Text(
        "An accuracy of {share:.1%} looks good and says nothing: whoever always names the largest class has it "
        "too. The others have hardly been learned.",
        "{share:.1%} 的准确率看起来不错，却说明不了什么：永远预测最大的类别也能得到它。其他类别几乎没有学到。",
    ),
    fix=Text(
        "Judge by balanced accuracy, recall or average precision, weigh the classes "
        "(`nn.CrossEntropyLoss(weight=total / (classes * counts))`) or draw them evenly with "
        "`WeightedRandomSampler`, and check that the features tell them apart at all.",
        "改用平衡准确率、召回率或平均精度来评价；给类别加权（`nn.CrossEntropyLoss(weigh"
        "t=total / (classes * counts))`）或用 `WeightedRandomSam"
        "pler` 均衡采样；并确认特征确实能区分各类别。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(4000, 10)
rare = x[:, 0] * x[:, 1] > 1.9
y = (torch.rand(4000) < 0.04).long()
print("rare:", y.float().mean().item())
model = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(5):
    model.train()
    for rows in torch.randperm(3200).split(64):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        print(epoch, (model(x[3200:]).argmax(1) == y[3200:]).float().mean().item())
""",
    good="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(4000, 10)
rare = x[:, 0] * x[:, 1] > 1.9
y = rare.long()
print("rare:", y.float().mean().item())
model = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
for epoch in range(24):
    model.train()
    for rows in torch.randperm(3200).split(64):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        print(epoch, (model(x[3200:]).argmax(1) == y[3200:]).float().mean().item())
""",
    links=("https://scikit-learn.org/stable/modules/model_evaluation.html",),
    explains=("TRN001", "TRN002", "TRN003", "TRN004", "TRN006", "TRN007", "DAT006"),
    needs=("loss",),
    preview=True,
)
