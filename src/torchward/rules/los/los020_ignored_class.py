"""LOS020: `ignore_index` is the number of a real class."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run, TokenProbe
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at
from torchward.rules._targets import by_example

MINIMUM_SAMPLES = 3
SHARE = 0.05
"""Share of the targets that is left out."""
PADDING = 0.99
REAL = 0.1
"""The same of the padding of sequences, and of their real positions: a few of these may rightly have no label."""


def check(run: Run) -> Iterator[Finding]:
    for loss in run.losses:
        if (
            not loss.training
            or len(loss.values) < MINIMUM_SAMPLES
            or not loss.targets_seen
            or not by_example(run, loss)
        ):
            continue
        index, share = loss.ignore_index, loss.ignored / loss.targets_seen
        if index is None or not loss.classes or not 0 <= index < loss.classes or not SHARE <= share < 1:
            continue
        yield Finding(
            "LOS020",
            data={
                "loss": loss.kind,
                "index": index,
                "share": share,
                "classes": loss.classes,
                "samples": len(loss.values),
            },
            place=at(loss.site, loss.values),
            confidence=Confidence.LIKELY,
        )


def check_positions(probe: TokenProbe) -> Iterator[Finding]:
    """One number stands for padding and for a class: where it is left out, real positions are as well."""
    if not probe.ignored:
        return
    index, padding, real = probe.ignored
    if padding < PADDING or not REAL <= real < 1:
        return
    yield Finding(
        "LOS020",
        data={"loss": "loss", "index": int(index), "share": real, "classes": probe.classes, "samples": probe.examples},
        place=at(probe.site),
        confidence=Confidence.LIKELY,
    )


RULE = Rule(
    code="LOS020",
    name="ignored-class",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check, check_positions),
    message=Text(
        "`{loss}` leaves out every example of class {index}, {share:.0%} of the targets: `ignore_index={index}` "
        "is the number of one of the {classes} classes.",
        "`{loss}` 略过了类别 {index} 的所有样本，占目标的 {share:.0%}：`ignor"
        "e_index={index}` 正好是 {classes} 个类别之一的编号。",
    ),
    why=Text(
        "The model never sees that class and cannot learn to name it, while the loss of the other classes falls "
        "as it should.",
        "模型从未学过这个类别，也就不可能预测它，而其他类别的损失照常下降。",
    ),
    fix=Text(
        "Leave `ignore_index` at its default (-100), and give targets that are to be left out that number.",
        "让 `ignore_index` 保持默认值（-100），并把要略过的目标设为这个数。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(1200, 10)
y = (x @ torch.randn(10, 3)).argmax(1)
model = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 3))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
criterion = nn.CrossEntropyLoss(ignore_index=0)
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
criterion = nn.CrossEntropyLoss()
for epoch in range(8):
    for rows in torch.randperm(1200).split(40):
        loss = criterion(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    links=("https://docs.pytorch.org/docs/stable/generated/torch.nn.CrossEntropyLoss.html",),
    explains=("TRN003", "TRN006", "MOD003", "MOD010", "MOD011"),
    needs=("loss",),
    preview=True,
)
