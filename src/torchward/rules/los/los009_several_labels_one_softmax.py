"""LOS009: examples with several labels, and outputs that can only name one."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Loss, Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

SAMPLES = 5
SEVERAL = 2
"""Labels of 1 in one row of a target of zeros and ones. Soft targets, mixed or smoothed ones, sum to 1."""


APART = 0.1
"""Share of the examples with several labels that are not all neighbours. Rows that mark a stretch (the answer within a
text, a rank as 1, 1, 1, 0) have them side by side, and the place of the first one may well be the target."""


def _labels(loss: Loss) -> tuple[int, int, int, Confidence] | None:
    """(fewest labels of an example, most, classes, how sure it is that one softmax has to share them out)."""
    sums, shape = loss.target_row_sum, loss.target_shape
    if sums is not None and loss.target_binary and len(shape) == 2:
        softmax = loss.kind == "binary_cross_entropy" and loss.producers == ("softmax",)
        if softmax or loss.kind == "cross_entropy":
            return int(sums[0]), int(sums[1]), shape[1], Confidence.CERTAIN if softmax else Confidence.LIKELY
    if loss.labels is not None and loss.classes is not None and loss.labels[2] >= APART:
        return loss.labels[0], loss.labels[1], loss.classes, Confidence.LIKELY
    return None


def check(run: Run) -> Iterator[Finding]:
    for loss in run.losses:
        labels = _labels(loss) if loss.training and len(loss.values) >= SAMPLES else None
        if labels is None or labels[1] < SEVERAL:
            continue
        yield Finding(
            "LOS009",
            data={
                "loss": loss.kind,
                "labels": labels[1],
                "least": labels[0],
                "classes": labels[2],
                "one_kept": loss.labels is not None,
                "samples": len(loss.values),
            },
            place=at(loss.site, loss.values, module=loss.producer_module),
            confidence=labels[3],
        )


RULE = Rule(
    code="LOS009",
    name="several-labels-one-softmax",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "Examples of `{loss}` have up to {labels} of {classes} labels set at once, but a softmax shares out a single 1 "
        "among them.",
        "`{loss}` 的样本中，一行最多有 {labels} 个标签为 1（共 {classes} 个），而 softmax 只能在它们之间分配总和为 1 的概率。",
    ),
    why=Text(
        "Where labels do not exclude each other, each needs a probability of its own. With softmax the right answer "
        "for an example with two labels is 0.5 and 0.5, the loss cannot reach 0, and no threshold fits all examples. "
        "`labels.argmax(1)` keeps the first label alone and teaches that the others are wrong.",
        "当标签互不排斥时，每个标签都需要自己的概率。用 softmax 时，有两个标签的样本的最优输出是 0.5 和 0.5，"
        "损失无法降到 0，也没有适合所有样本的阈值。`labels.argmax(1)` 只保留第一个标签，等于告诉模型其余标签都是错的。",
    ),
    fix=Text(
        "Return raw scores and use `nn.BCEWithLogitsLoss()` with the rows of labels as they are; predict with "
        "`scores.sigmoid() > 0.5`.",
        "让模型返回原始分数，使用 `nn.BCEWithLogitsLoss()`，目标直接用整行标签；预测时用 `scores.sigmoid() > 0.5`。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(900, 12)
y = (x @ torch.randn(12, 6) > 0.5).float()
model = nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, 6))
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(12):
    for rows in torch.randperm(900).split(50):
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
x = torch.randn(900, 12)
y = (x @ torch.randn(12, 6) > 0.5).float()
model = nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, 6))
criterion = nn.BCEWithLogitsLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(12):
    for rows in torch.randperm(900).split(50):
        optimizer.zero_grad()
        loss = criterion(model(x[rows]), y[rows])
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    links=(
        "https://docs.pytorch.org/docs/stable/generated/torch.nn.BCEWithLogitsLoss.html",
        "https://docs.pytorch.org/docs/stable/generated/torch.nn.CrossEntropyLoss.html",
    ),
    explains=("TRN*", "LOS001", "LOS007"),
    needs=("loss",),
)
