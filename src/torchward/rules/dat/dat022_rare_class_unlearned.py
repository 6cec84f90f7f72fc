"""DAT022: nearly all targets are one class, the model always names it, and has learned nothing else."""

from __future__ import annotations

import math
from collections.abc import Iterator

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


def check(run: Run) -> Iterator[Finding]:
    if not run.ended or run.steps < STEPS or any(training.adversarial for training in run.trainings):
        return
    for loss in run.losses:
        found = _unlearned(loss)
        if found is None:
            continue
        largest, share, level, end = found
        yield Finding(
            "DAT022",
            data={
                "loss": loss.kind,
                "label": largest,
                "share": share,
                "rare": sum(loss.target_values.values()) - loss.target_values[largest],
                "level": level,
                "end": end,
            },
            place=at(loss.site, loss.values),
            confidence=Confidence.LIKELY,
        )


def _unlearned(loss: Loss) -> tuple[int, float, float, float] | None:
    """(largest class, its share, loss of naming the shares, loss at the end)."""
    counts = {label: times for label, times in loss.target_values.items() if times}
    total, said = sum(counts.values()), sum(loss.recent_predicted.values())
    plain = loss.training and loss.reduction == "mean" and not loss.weights and not loss.positive_weights
    # Of several labels to an example each has a share of its own.
    several = loss.kind.startswith("binary") and len(loss.prediction_shape) > 1 and loss.prediction_shape[-1] > 1
    if not plain or several or len(counts) < 2 or not said or loss.label_smoothing or not len(loss.batch_classes):
        return None
    largest = max(counts, key=lambda label: counts[label])
    share = counts[largest] / total
    if share < LARGEST or total - counts[largest] < RARE or loss.recent_predicted.get(largest, 0) < NAMED * said:
        return None
    # What naming the shares would have cost on the very batches that the end is taken from.
    late = {label: times for label, times in loss.recent_target.items() if times and label in counts}
    level = -sum(times * math.log(counts[label] / total) for label, times in late.items()) / max(1, sum(late.values()))
    recent = [value for value in loss.values.values[-10:] if math.isfinite(value)]
    if len(recent) < 5:
        return None
    end = sum(recent) / len(recent)
    return (largest, share, level, end) if (1 - FALL) * level < end < (1 + ABOVE) * level else None


RULE = Rule(
    code="DAT022",
    name="rare-class-unlearned",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "{share:.1%} of the targets of `{loss}` are class {label}, and the model now names no other ({rare} "
        "targets are of other classes); its loss of {end} is that of knowing the shares alone ({level}).",
        "`{loss}` 的目标有 {share:.1%} 是类别 {label}，模型现在只预测它（另有 {r"
        "are} 个目标属于其他类别）；损失 {end} 与只知道各类比例时（{level}）相当。",
    ),
    why=Text(
        "An accuracy of {share:.1%} looks good and says nothing: whoever always names the largest class has it "
        "too. The inputs have not been used.",
        "{share:.1%} 的准确率看起来不错，却说明不了什么：永远预测最大的类别也能得到它。输入并没有被利用。",
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
for epoch in range(12):
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
    explains=("TRN*", "DAT006"),
    needs=("loss",),
    preview=True,
)
