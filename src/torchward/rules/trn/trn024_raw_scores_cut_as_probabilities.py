"""TRN024: raw scores are compared with 0.5, as if they were probabilities."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

VALUES = 100
CHANGED = 0.02
"""Share of what either number finds that the other does not: below it, little is lost."""
KIND, CUT = "binary_cross_entropy_with_logits", 0.5


def check(run: Run) -> Iterator[Finding]:
    for found in run.decisions:
        losses = [loss for loss in run.losses if loss.training and loss.judges and loss.judges[0] == found.model]
        # With weights, 0 is not where both classes are equally likely either.
        if {loss.kind for loss in losses} != {KIND} or any(loss.positive_weights for loss in losses):
            continue
        probabilities = found.low >= 0 and found.high <= 1
        if found.numbers != (CUT,) or probabilities or found.values < VALUES:
            continue
        share = found.between / max(1, found.above)
        if share < CHANGED:
            continue
        yield Finding(
            "TRN024",
            data={"loss": KIND, "low": found.low, "high": found.high, "share": share, "values": found.values},
            place=at(found.site),
            confidence=Confidence.LIKELY,
        )
        return


RULE = Rule(
    code="TRN024",
    name="raw-scores-cut-as-probabilities",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "Outputs that are trained by `{loss}` are compared with 0.5; they lie between {low:.3g} and {high:.3g}, and both "
        "classes are equally likely at 0. {share:.1%} of those above 0 ({values} values) are between 0 and 0.5, and are "
        "counted for the wrong class.",
        "用 `{loss}` 训练的输出与 0.5 比较；这些输出在 {low:.3g} 到 {high:.3g} 之间，两个类别在 0 处可能性相等。"
        "在大于 0 的值中（共 {values} 个值），有 {share:.1%} 位于 0 和 0.5 之间，被算作了错误的类别。",
    ),
    why=Text(
        "A raw score of 0 is a probability of one half: a score of 0.5 is one of 62 %. Compared with the wrong number, the "
        "model seems to miss (or to find) more than it does, and choices made by that score are made by a wrong one.",
        "原始分数 0 对应的概率是一半，0.5 对应 62%。与错误的数比较，模型看上去会漏掉（或找出）更多，依据该分数做出的选择也就不对。",
    ),
    fix=Text(
        "Compare raw scores with 0 and probabilities with 0.5: `scores > 0`, or `scores.sigmoid() > 0.5`.",
        "原始分数与 0 比较，概率与 0.5 比较：`scores > 0`，或 `scores.sigmoid() > 0.5`。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(3000, 12)
chance = torch.sigmoid(1.5 * (x @ torch.randn(12)) - 1.0)
y = (torch.rand(3000) < chance).float()
model = nn.Sequential(nn.Linear(12, 48), nn.ReLU(), nn.Dropout(0.3), nn.Linear(48, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
criterion = nn.BCEWithLogitsLoss()
for epoch in range(8):
    model.train()
    for rows in torch.randperm(2400).split(40):
        loss = criterion(model(x[rows])[:, 0], y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        found = model(x[2400:])[:, 0] > 0.5
    print(epoch, "recall", (found & (y[2400:] > 0)).sum().item() / y[2400:].sum().item())
""",
    good="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(3000, 12)
chance = torch.sigmoid(1.5 * (x @ torch.randn(12)) - 1.0)
y = (torch.rand(3000) < chance).float()
model = nn.Sequential(nn.Linear(12, 48), nn.ReLU(), nn.Dropout(0.3), nn.Linear(48, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
criterion = nn.BCEWithLogitsLoss()
for epoch in range(8):
    model.train()
    for rows in torch.randperm(2400).split(40):
        loss = criterion(model(x[rows])[:, 0], y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        found = model(x[2400:])[:, 0].sigmoid() > 0.5
    print(epoch, "recall", (found & (y[2400:] > 0)).sum().item() / y[2400:].sum().item())
""",
    links=("https://docs.pytorch.org/docs/stable/generated/torch.nn.BCEWithLogitsLoss.html",),
    preview=True,
)
