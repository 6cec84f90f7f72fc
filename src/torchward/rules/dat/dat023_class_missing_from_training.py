"""DAT023: a class of the held-out data never occurs in training."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from torchward.facts import Loss, Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at
from torchward.rules._targets import by_example

EXPECTED = 20.0
"""Training targets of the class among those looked at, if it were as frequent there: that none comes up by chance has
then a probability of exp(-20)."""
HELD_OUT = 5
"""Held-out targets of the class, at least: a few may be wrong labels."""
MIXED = 0.5
"""Share of the classes in a batch, of those that it could have: data in the order of their classes may be seen in part."""


def check(run: Run) -> Iterator[Finding]:
    if not run.ended:
        return
    for loss in run.losses:
        if not loss.training or not loss.classes or loss.ignored or not by_example(run, loss) or not _mixed(loss):
            continue
        for judged in run.losses:
            if judged.training or judged.kind != loss.kind:
                continue
            if judged.evaluated_classes != loss.classes:
                continue  # the classes of another task
            missing = _missing(loss, judged)
            if missing:
                yield Finding(
                    "DAT023",
                    data={
                        "missing": tuple(missing),
                        "held_out": sum(judged.evaluated_values[label] for label in missing),
                        "judged": sum(judged.evaluated_values.values()),
                        "targets": sum(loss.target_values.values()),
                        "loss": loss.kind,
                    },
                    place=at(loss.site, loss.values),
                    confidence=Confidence.LIKELY,
                )
                return


def _missing(loss: Loss, judged: Loss) -> list[int]:
    seen, whole = sum(loss.target_values.values()), sum(judged.evaluated_values.values())
    return [
        label
        for label, times in sorted(judged.evaluated_values.items())
        if not loss.target_values.get(label) and times >= HELD_OUT and seen * times >= EXPECTED * whole
    ]


def _mixed(loss: Loss) -> bool:
    present = sum(times > 0 for times in loss.target_values.values())
    if not loss.batch_classes or not present:
        return False
    return median(loss.batch_classes.values) >= MIXED * min(present, median(loss.batch_size.values))


RULE = Rule(
    code="DAT023",
    name="class-missing-from-training",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "{held_out} of {judged} held-out targets are of class {missing}, which does not occur once among {targets} "
        "targets of `{loss}` in training.",
        "{judged} 个留出目标中有 {held_out} 个属于类别 {missing}，而训练中 `{loss}` 的 {targets} 个目标里一次也没有出现过它。",
    ),
    why=Text(
        "What is never shown cannot be learned: each of these examples will be answered wrongly, however long the "
        "training is. Filters (`if label:` also drops 0), slices of sorted data and splits by group are what loses a class.",
        "从未见过的类别无法学会：训练再久，这些样本也会全部判错。常见原因是过滤条件（`if label:` 会把 0 也丢掉）、"
        "对已排序的数据直接切片，或按组划分数据集。",
    ),
    fix=Text(
        "Count the classes of both parts, `torch.bincount(train_labels)`, and split with "
        "`train_test_split(..., stratify=labels)`; test for missing labels with `label is not None`.",
        "分别统计两部分的类别，例如 `torch.bincount(train_labels)`，并用 `train_test_split(..., stratify=labels)` 划分；"
        "判断标签是否缺失请写 `label is not None`。",
    ),
    bad="""\
import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(0)
x = torch.randn(2000, 12)
y = (x @ torch.randn(12, 5)).argmax(1)
order = y.argsort()
x, y = x[order], y[order]
train_x, train_y, test_x, test_y = x[:1600], y[:1600], x[1600:], y[1600:]
model = nn.Sequential(nn.Linear(12, 48), nn.ReLU(), nn.Linear(48, 5))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(12):
    model.train()
    for rows in torch.randperm(len(train_x)).split(32):
        loss = F.cross_entropy(model(train_x[rows]), train_y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        print(epoch, loss.item(), F.cross_entropy(model(test_x), test_y).item())
""",
    good="""\
import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(0)
x = torch.randn(2000, 12)
y = (x @ torch.randn(12, 5)).argmax(1)
train_x, train_y, test_x, test_y = x[:1600], y[:1600], x[1600:], y[1600:]
model = nn.Sequential(nn.Linear(12, 48), nn.ReLU(), nn.Linear(48, 5))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(12):
    model.train()
    for rows in torch.randperm(len(train_x)).split(32):
        loss = F.cross_entropy(model(train_x[rows]), train_y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        print(epoch, loss.item(), F.cross_entropy(model(test_x), test_y).item())
""",
    links=("https://scikit-learn.org/stable/modules/generated/sklearn.model_selection.train_test_split.html",),
    explains=("DAT020", "DAT022", "TRN002", "TRN006", "LOS007"),
    needs=("loss",),
    preview=True,
)
