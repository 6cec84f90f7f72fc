"""LOS023: label smoothing leaves next to nothing of the labels."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Finding, Rule, Severity, Text
from torchward.rules._at import at

MINIMUM_SAMPLES = 3
MOST = 0.6
"""Szegedy et al. 2016 (section 7) use 0.1; studies of noisy labels go up to 0.6 (Lukasik et al. 2020)."""


def check(run: Run) -> Iterator[Finding]:
    for loss in run.losses:
        smoothing = loss.label_smoothing
        if not loss.training or len(loss.values) < MINIMUM_SAMPLES or smoothing is None or smoothing <= MOST:
            continue
        classes = loss.classes or 2
        yield Finding(
            "LOS023",
            data={
                "loss": loss.kind,
                "smoothing": smoothing,
                "right": 1 - smoothing + smoothing / classes,
                "others": smoothing / classes,
                "classes": classes,
            },
            place=at(loss.site, loss.values),
        )


RULE = Rule(
    code="LOS023",
    name="labels-smoothed-away",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "`{loss}` has label_smoothing={smoothing}: of {classes} classes the right one is to get {right:.3f}, each"
        " other {others:.3f}.",
        "`{loss}` 的 label_smoothing={smoothing}：在 {classes} 个"
        "类别中，正确类别的目标只有 {right:.3f}，其余各为 {others:.3f}。",
    ),
    why=Text(
        "`label_smoothing` is the share that is taken from the label, not the share that it keeps. Targets that "
        "are nearly equal teach nearly nothing, and the loss cannot fall far.",
        "`label_smoothing` 是从标签中拿走的比例，而不是保留的比例。目标几乎均等，模型就学不到什么，损失也降不下去。",
    ),
    fix=Text(
        "Use a small value: `nn.CrossEntropyLoss(label_smoothing=0.1)`.",
        "使用较小的值：`nn.CrossEntropyLoss(label_smoothing=0.1)`。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(1200, 10)
y = (x @ torch.randn(10, 3)).argmax(1)
model = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 3))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
criterion = nn.CrossEntropyLoss(label_smoothing=0.9)
for epoch in range(8):
    for rows in torch.randperm(1200).split(40):
        loss = criterion(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    good="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(1200, 10)
y = (x @ torch.randn(10, 3)).argmax(1)
model = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 3))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
criterion = nn.CrossEntropyLoss(label_smoothing=0.1)
for epoch in range(8):
    for rows in torch.randperm(1200).split(40):
        loss = criterion(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    links=(
        "https://docs.pytorch.org/docs/stable/generated/torch.nn.CrossEntropyLoss.html",
        "https://arxiv.org/abs/1512.00567",
    ),
    explains=("TRN*",),
    needs=("loss",),
    preview=True,
)
