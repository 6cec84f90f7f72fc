"""LOS011: the model's output is given to a loss as its target, and the labels as its prediction."""

from __future__ import annotations

import math
from collections.abc import Iterator

from torchward.facts import Loss, LossStream, Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

SAMPLES = 3
ONE_WAY = ("binary_cross_entropy", "binary_cross_entropy_with_logits", "cross_entropy")
"""Losses in which the order matters, and in which an output that is the target is always wrong."""


ALONE = 1e-3
"""Share by which the quotient of what is differentiated and the divergence may vary."""


def _turned(loss: Loss) -> bool:
    if loss.kind == "gaussian_nll_loss" and loss.target_has_graph:
        # (mean, target, variance): the target is data, and the variance need not be the model's.
        return not loss.variance_has_graph
    if loss.prediction_has_graph or not loss.target_has_graph:
        return False
    if loss.kind == "kl_div":
        # Both directions are in use. Logarithms of probabilities, which come first, are never above 0.
        low, high = loss.prediction_min, loss.prediction_max
        return low is not None and high is not None and low >= 0 < high and (loss.target_max or 0.0) <= 0
    return loss.kind in ONE_WAY


def _reversed(run: Run, loss: Loss) -> bool:
    """A divergence of the model from data, in which the model takes the place of the truth, is all that is minimised.

    Between models, or beside another term, that direction is in use; a model's distribution is known by having other
    values in each row.
    """
    return loss.kind == "kl_div" and loss.of_few_values and any(_alone(stream, loss) for stream in run.streams)


def _alone(stream: LossStream, loss: Loss) -> bool:
    whole = dict(zip(stream.values.steps, stream.values.values, strict=True))
    both = [
        whole[step] / value
        for step, value in zip(loss.values.steps, loss.values.values, strict=True)
        if step in whole and value and math.isfinite(value)
    ]
    return len(both) >= SAMPLES and max(both) - min(both) <= ALONE * abs(both[0])


def check(run: Run) -> Iterator[Finding]:
    for loss in run.losses:
        if not loss.training or len(loss.values) < SAMPLES:
            continue
        turned = _turned(loss)
        if not turned and not _reversed(run, loss):
            continue
        finite = [value for value in loss.values.values if math.isfinite(value)] or [math.nan]
        yield Finding(
            "LOS011",
            data={
                "loss": loss.kind,
                "low": min(finite),
                "high": max(finite),
                "samples": len(loss.values),
            },
            place=at(loss.site, loss.values),
            confidence=Confidence.CERTAIN if turned else Confidence.LIKELY,
            severity=None if turned else Severity.WARNING,
        )


RULE = Rule(
    code="LOS011",
    name="prediction-and-target-swapped",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "`{loss}` is called with its arguments in the wrong order: its second argument, the target, is an output of the "
        "model, and data stands where an output belongs ({samples} sampled steps; loss from {low} to {high}).",
        "`{loss}` 的参数顺序不对：作为目标的第二个参数是模型的输出，而应放模型输出的位置上是数据"
        "（{samples} 个采样步；损失从 {low} 到 {high}）。",
    ),
    why=Text(
        "These losses are not symmetric. In the place of the target the output enters linearly: its gradient does not "
        "depend on how wrong the output is, and nothing keeps the loss from falling without end. A divergence of the "
        "model from data, `kl_div(log(data), model)`, makes it name what is commonest and leave out the rest.",
        "这些损失并不对称。放在目标位置时，输出以线性方式进入损失：梯度与输出错得多少无关，损失也可能无止境地下降。"
        "反方向的散度 `kl_div(log(data), model)` 会让模型只预测最常见的结果，而忽略其余结果。",
    ),
    fix=Text(
        "Give the output first: `criterion(model(x), y)`; `gaussian_nll_loss(mean, y, variance)`; "
        "`kl_div(log_softmax(student), softmax(teacher))`.",
        "先写模型输出：`criterion(model(x), y)`；`gaussian_nll_loss(mean, y, variance)`；"
        "`kl_div(log_softmax(student), softmax(teacher))`。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(800, 8)
y = (x[:, :1] - x[:, 1:2] > 0).float()
model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 1))
criterion = nn.BCEWithLogitsLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(12):
    for rows in torch.randperm(800).split(50):
        optimizer.zero_grad()
        loss = criterion(y[rows], model(x[rows]))
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    good="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(800, 8)
y = (x[:, :1] - x[:, 1:2] > 0).float()
model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 1))
criterion = nn.BCEWithLogitsLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(12):
    for rows in torch.randperm(800).split(50):
        optimizer.zero_grad()
        loss = criterion(model(x[rows]), y[rows])
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    links=("https://docs.pytorch.org/docs/stable/generated/torch.nn.BCEWithLogitsLoss.html",),
    explains=(
        "TRN*",
        "LOS001",
        "LOS002",
        "LOS004",
        "LOS005",
        "LOS007",
        "MOD003",
        "MOD004",
        "NUM001",
        "NUM002",
        "NUM003",
        "NUM004",
        "NUM007",
        "OPT007",
    ),
    needs=("loss",),
)
