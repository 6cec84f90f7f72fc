"""DAT045: in evaluation, predictions on the scale of the training targets are compared with targets on another one."""

from __future__ import annotations

import math
from collections.abc import Iterator
from statistics import median

from torchward.facts import Loss, Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

EVALUATIONS = 2
REGRESSIONS = ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss")
APART = 10.0
"""Deviations of the training targets that the others are away, or times by which they spread wider or less. Held-out
data that were collected elsewhere differ by one or two."""
ALIKE = 3.0
"""Deviations of the training targets within which the predictions stay: what was learned is answered in that scale."""

LEAST = 0.05
"""... and that they spread at least: zeros and the like are compared with targets, too, to know what nothing gives."""


def _scales(loss: Loss) -> tuple[float, float, float, float] | None:
    """Median over the evaluations of (mean, deviation of the targets, of the predictions)."""
    seen = [scales for scales in loss.evaluated_scales if all(map(math.isfinite, scales))]
    if len(seen) < EVALUATIONS:
        return None
    columns = [median(column) for column in zip(*seen, strict=True)]
    return columns[0], columns[1], columns[2], columns[3]


def check(run: Run) -> Iterator[Finding]:
    used = [loss for loss in run.losses if loss.training and loss.kind in REGRESSIONS]
    if len(used) != 1 or not used[0].target_std or used[0].target_mean is None:
        return
    mean, deviation = used[0].target_mean, used[0].target_std
    for loss in run.losses:
        scales = None if loss.training or loss.kind not in REGRESSIONS else _scales(loss)
        if scales is None:
            continue
        other, spread, prediction, predicted = scales
        apart = abs(other - mean) > APART * deviation or not 1 / APART < spread / deviation < APART
        alike = abs(prediction - mean) < ALIKE * deviation and LEAST * deviation < predicted < ALIKE * deviation
        if not apart or not alike or spread == 0:
            continue
        yield Finding(
            "DAT045",
            data={
                "mean": mean,
                "deviation": deviation,
                "held_out_mean": other,
                "held_out_deviation": spread,
                "prediction_mean": prediction,
                "prediction_deviation": predicted,
            },
            place=at(loss.site, loss.values),
            confidence=Confidence.LIKELY,
        )


RULE = Rule(
    code="DAT045",
    name="held-out-targets-of-another-scale",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "In training the targets are {mean} +- {deviation}, in evaluation {held_out_mean} +- {held_out_deviation}, and the "
        "predictions that are compared with these are {prediction_mean} +- {prediction_deviation}: on the training scale.",
        "训练时的目标是 {mean} ± {deviation}，评估时是 {held_out_mean} ± {held_out_deviation}，"
        "而与之比较的预测值是 {prediction_mean} ± {prediction_deviation}：仍是训练时的尺度。",
    ),
    why=Text(
        "A model that was trained on standardised (or logarithmic) targets answers in that scale. Compared with raw targets "
        "its error is about as large as they are, however good it is, and early stopping or a choice by it goes astray.",
        "用标准化（或取对数）后的目标训练的模型，也用这种尺度回答。拿它和原始目标比较，无论模型多好，误差都和目标本身差不多大，"
        "依据它做的早停和模型选择也就不可靠。",
    ),
    fix=Text(
        "Bring both to one scale before they are compared: `prediction * std + mean` with the numbers of the training targets, "
        "or transform the held-out targets like the others.",
        "比较之前换到同一尺度：用训练目标的统计量计算 `prediction * std + mean`，或者对留出集的目标做同样的变换。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(1000, 5)
price = 900 + 150 * x[:, 0] - 60 * x[:, 1] * x[:, 2] + 10 * torch.randn(1000)
mean, std = price[:800].mean(), price[:800].std()
model = nn.Sequential(nn.Linear(5, 32), nn.ReLU(), nn.Linear(32, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(10):
    for rows in torch.randperm(800).split(40):
        loss = nn.functional.mse_loss(model(x[rows]).squeeze(1), (price[rows] - mean) / std)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        error = nn.functional.l1_loss(model(x[800:]).squeeze(1), price[800:])
    print(epoch, loss.item(), error.item())
""",
    good="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(1000, 5)
price = 900 + 150 * x[:, 0] - 60 * x[:, 1] * x[:, 2] + 10 * torch.randn(1000)
mean, std = price[:800].mean(), price[:800].std()
model = nn.Sequential(nn.Linear(5, 32), nn.ReLU(), nn.Linear(32, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(10):
    for rows in torch.randperm(800).split(40):
        loss = nn.functional.mse_loss(model(x[rows]).squeeze(1), (price[rows] - mean) / std)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        error = nn.functional.l1_loss(model(x[800:]).squeeze(1) * std + mean, price[800:])
    print(epoch, loss.item(), error.item())
""",
    links=("https://scikit-learn.org/stable/modules/generated/sklearn.compose.TransformedTargetRegressor.html",),
    needs=("loss",),
)
