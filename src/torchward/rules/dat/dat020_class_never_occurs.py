"""DAT020: the first, or the last, class never occurs among the targets."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Loss, Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at
from torchward.rules._targets import by_example

CLASSES = 100
PER_CLASS = 20
"""Targets looked at for each class, at least: with so many, a class of the others' size would have come up."""
RAREST = 0.2
"""... the rarest of the others has this share of an even one."""


def check(run: Run) -> Iterator[Finding]:
    if not run.ended:
        return
    for loss in run.losses:
        missing = _missing(loss)
        if missing is None or not by_example(run, loss):
            continue
        labels = sorted(label for label, times in loss.target_values.items() if times)
        yield Finding(
            "DAT020",
            data={
                "loss": loss.kind,
                "missing": missing,
                "classes": loss.classes,
                "low": labels[0],
                "high": labels[-1],
                "targets": sum(loss.target_values.values()),
            },
            place=at(loss.site, loss.values),
            confidence=Confidence.POSSIBLE,
        )


def _missing(loss: Loss) -> int | None:
    """The one class that no target names, if it is at either end and the others are all there."""
    classes = loss.classes
    if not loss.training or classes is None or not 3 <= classes <= CLASSES or loss.ignored:
        return None
    absent = [label for label in range(classes) if not loss.target_values.get(label)]
    total = sum(loss.target_values.values())
    if absent not in ([0], [classes - 1]) or total < PER_CLASS * classes:
        return None
    rarest = min(times for times in loss.target_values.values() if times)
    return absent[0] if rarest >= RAREST * total / (classes - 1) else None


RULE = Rule(
    code="DAT020",
    name="class-never-occurs",
    severity=Severity.HINT,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "The model has {classes} scores, but class {missing} never occurs among {targets} targets of `{loss}`, "
        "which run from {low} to {high}.",
        "模型有 {classes} 个得分，但 `{loss}` 的 {targets} 个目标中从未出现类别 "
        "{missing}，目标取值为 {low} 到 {high}。",
    ),
    why=Text(
        "Labels that are off by one train without an error if there is a score to spare. Names of classes, and "
        "metrics by class, then belong to the neighbour.",
        "标签错开一位时，只要多一个得分，训练就不会报错。但类别名称和按类别统计的指标都会对到相邻的类别上。",
    ),
    fix=Text(
        "Count from 0: `y = y - y.min()`, with as many scores as there are classes.",
        "从 0 开始编号：`y = y - y.min()`，并让得分数等于类别数。",
    ),
    bad="""\
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
x = torch.randn(1500, 12)
y = (x @ torch.randn(12, 5)).argmax(1) + 1
model = nn.Sequential(nn.Linear(12, 48), nn.GELU(), nn.Linear(48, 6))
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
for epoch in range(8):
    for a, b in DataLoader(TensorDataset(x, y), batch_size=64, shuffle=True):
        loss = nn.functional.cross_entropy(model(a), b)
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
x = torch.randn(1500, 12)
y = (x @ torch.randn(12, 5)).argmax(1)
model = nn.Sequential(nn.Linear(12, 48), nn.GELU(), nn.Linear(48, 5))
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
for epoch in range(8):
    for a, b in DataLoader(TensorDataset(x, y), batch_size=64, shuffle=True):
        loss = nn.functional.cross_entropy(model(a), b)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    links=("https://docs.pytorch.org/docs/stable/generated/torch.nn.CrossEntropyLoss.html",),
    explained_by=("DAT003", "LOS005", "LLM*"),
    needs=("loss",),
    preview=True,
)
