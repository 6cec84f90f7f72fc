"""LOS027: label smoothing written by hand gives each wrong class what all of them should share."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

PASSES = 2
EXACT = 1e-3
"""Rounding of the targets."""
EXCESS = 0.1
"""Above a sum of 1: with less, as of three classes and a smoothing of 0.1, the right class still gets above 0.8."""


def check(run: Run) -> Iterator[Finding]:
    for found in run.smoothed:
        right, other = found.right, found.other
        total = right + (found.classes - 1) * other
        each = abs(right + other - 1) <= EXACT or abs(right - 1) <= EXACT
        if found.passes < PASSES or not each or total < 1 + EXCESS:
            continue
        yield Finding(
            "LOS027",
            data={
                "classes": found.classes,
                "right": right,
                "other": other,
                "total": total,
                "share": right / total,
                "meant": other / (found.classes - 1),
            },
            place=at(found.site),
            confidence=Confidence.LIKELY,
        )
        return


RULE = Rule(
    code="LOS027",
    name="smoothing-given-to-each-class",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "The targets that the loss weighs log-probabilities with are {right:.3g} for the right one of {classes} classes and "
        "{other:.3g} for each other. That is {total:.3g} together, not 1: the model is taught to give the right class "
        "{share:.1%}.",
        "损失给对数概率加权的目标是：{classes} 个类别中正确的一个为 {right:.3g}，其余每个都是 {other:.3g}，"
        "合计 {total:.3g}，而不是 1：模型学到的是只给正确类别 {share:.1%} 的概率。",
    ),
    why=Text(
        "Smoothing takes a share from the right class and deals it out among the others. Where each of them gets the whole "
        "share, cross-entropy is least at probabilities in the proportion of these targets, so confidence is lost and with "
        "it every score and threshold that is made of probabilities.",
        "标签平滑从正确类别中取出一部分，由其余类别分摊。如果每个类别都得到全部，交叉熵会在与这些目标成比例的概率处最小，"
        "模型失去置信度，所有由概率得出的分数和阈值也随之失准。",
    ),
    fix=Text(
        "Divide by the number of other classes ({meant:.3g} for each here), or leave it to PyTorch: "
        "`F.cross_entropy(scores, labels, label_smoothing=...)`.",
        "除以其余类别的个数（这里每个为 {meant:.3g}），或交给 PyTorch：`F.cross_entropy(scores, labels, label_smoothing=...)`。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(2000, 12)
y = (x @ torch.randn(12, 10)).argmax(1)
model = nn.Sequential(nn.Linear(12, 64), nn.ReLU(), nn.Linear(64, 10))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(10):
    for rows in torch.randperm(2000).split(50):
        logs = model(x[rows]).log_softmax(1)
        target = torch.full_like(logs, 0.1).scatter(1, y[rows, None], 0.9)
        loss = -(target * logs).sum(1).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    good="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(2000, 12)
y = (x @ torch.randn(12, 10)).argmax(1)
model = nn.Sequential(nn.Linear(12, 64), nn.ReLU(), nn.Linear(64, 10))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(10):
    for rows in torch.randperm(2000).split(50):
        logs = model(x[rows]).log_softmax(1)
        target = torch.full_like(logs, 0.1 / 9).scatter(1, y[rows, None], 0.9)
        loss = -(target * logs).sum(1).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    links=(
        "https://arxiv.org/abs/1512.00567",
        "https://docs.pytorch.org/docs/stable/generated/torch.nn.CrossEntropyLoss.html",
    ),
    preview=True,
)
