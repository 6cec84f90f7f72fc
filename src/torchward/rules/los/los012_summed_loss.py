"""LOS012: a loss that is a sum over the batch, with a learning rate for a mean."""

from __future__ import annotations

import math
from collections.abc import Iterator
from statistics import median

from torchward.facts import LossStream, Run, Training
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at
from torchward.rules._progress import is_range_test
from torchward.rules.opt._updates import leading, ratios

TERMS = 8
"""Values that are summed, at least."""
RATIO = 0.1
"""A step that changes the weights by more is too large: TheDeepChecker (TOSEM 2022), DeepDiagnosis (ICSE 2022)."""
NOT_LEARNED = 0.9
STEPS = 100
PLAIN = ("SGD", "ASGD")
"""Their step is proportional to the loss. Adam's is not: sums are in good use with it (VAE)."""


def check(run: Run) -> Iterator[Finding]:
    for training in run.trainings:
        optimizer = leading(run, training)
        if optimizer is None or optimizer.kind not in PLAIN or training.adversarial or len(training.losses) != 1:
            continue
        stream = next((one for one in run.streams if one.index == training.losses[0]), None)
        terms = _terms(run, training, stream) if stream is not None else 0
        if stream is None or terms < TERMS or is_range_test(run, training) or not _failed(run, training, stream):
            continue
        moved = ratios(run, optimizer).between(training.first_step, training.last_step).values
        if not moved or max(moved) < RATIO:
            continue
        rate = max(optimizer.lr.values, default=0.0)
        yield Finding(
            "LOS012",
            data={
                "optimizer": optimizer.kind,
                "terms": terms,
                "lr": rate,
                "as_mean": rate * terms,
                "ratio": max(moved),
                "start": stream.values.values[0],
                "end": stream.values.values[-1],
            },
            place=at(stream.site, stream.values),
            confidence=Confidence.LIKELY,
        )


def _terms(run: Run, training: Training, stream: LossStream) -> int:
    """Number of values that the loss adds up; 0 for one that is a mean, or unknown."""
    used = [
        loss
        for loss in run.losses
        if loss.training and loss.values.between(training.first_step, training.last_step).steps
    ]
    if len(used) == 1 and used[0].reduction == "sum" and stream.kind == used[0].kind:
        loss = used[0]
        function = dict(zip(loss.values.steps, loss.values.values, strict=True))
        backward = dict(zip(stream.values.steps, stream.values.values, strict=True))
        whole = [step for step in function if step in backward and abs(backward[step]) >= 0.9 * abs(function[step])]
        return math.prod(loss.target_shape) if whole or not math.isfinite(sum(function.values())) else 0
    if not used and stream.head == "SumBackward0":
        return max((one.shape[0] for one in run.inputs if one.shape), default=0)
    return 0


def _failed(run: Run, training: Training, stream: LossStream) -> bool:
    values = stream.values.between(training.first_step, training.last_step + 1).values
    if any(not math.isfinite(value) for value in values):
        return True
    if len(values) < STEPS or not run.ended:
        return False
    return median(values[-max(10, len(values) // 5) :]) >= NOT_LEARNED * min(values[0], median(values[:3]))


RULE = Rule(
    code="LOS012",
    name="summed-loss",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "The loss is a sum over {terms} values, so lr={lr} of `{optimizer}` acts like {as_mean} would on their mean: "
        "steps of up to {ratio:.0%} of the weights, and the loss went from {start} to {end}.",
        "损失是 {terms} 个值之和，因此 `{optimizer}` 的 lr={lr} 相当于对均值使用 {as_mean}："
        "每步最多改变权重的 {ratio:.0%}，损失从 {start} 变为 {end}。",
    ),
    why=Text(
        "The gradient of a sum grows with the batch: plain gradient descent takes steps as many times longer, and "
        "diverges at rates that are right for a mean.",
        "求和的梯度随批次大小增长：普通梯度下降的步长也会放大同样的倍数，在适合均值的学习率下就会发散。",
    ),
    fix=Text(
        "Take the mean: `reduction='mean'` (the default), or `.mean()` instead of `.sum()`; or divide the rate by "
        "{terms}.",
        "改用均值：`reduction='mean'`（默认值），或者用 `.mean()` 代替 `.sum()`；也可以把学习率除以 {terms}。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(640, 12)
y = x @ torch.randn(12, 1)
model = nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, 1))
criterion = nn.MSELoss(reduction="sum")
optimizer = torch.optim.SGD(model.parameters(), lr=0.02)
for epoch in range(12):
    for rows in torch.randperm(640).split(32):
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
x = torch.randn(640, 12)
y = x @ torch.randn(12, 1)
model = nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, 1))
criterion = nn.MSELoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.02)
for epoch in range(12):
    for rows in torch.randperm(640).split(32):
        optimizer.zero_grad()
        loss = criterion(model(x[rows]), y[rows])
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    links=("https://docs.pytorch.org/docs/stable/generated/torch.nn.MSELoss.html",),
    explains=(
        "OPT007",
        "OPT013",
        "NUM001",
        "NUM002",
        "NUM003",
        "NUM004",
        "NUM007",
        "TRN*",
        "MOD003",
        "MOD004",
        "MOD010",
        "MOD011",
    ),
    needs=("loss", "optimizer", "parameters"),
)
