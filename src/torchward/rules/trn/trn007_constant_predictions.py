"""TRN007: a regression that gives nearly the same prediction for every example."""

from __future__ import annotations

import math
from collections.abc import Iterator
from statistics import median

from torchward.facts import Loss, Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at
from torchward.rules._progress import MINIMUM, last

KINDS = ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss")
RECENT = 8
"""Sampled calls at the end, all of which must show it."""
SAMPLES = 16
SPREAD = 0.1
"""Deviation of the predictions relative to the targets'. That of a model which explains a hundredth of the variance."""


def check(run: Run) -> Iterator[Finding]:
    adversarial = any(training.adversarial for training in run.trainings)
    for loss in run.losses:
        if not loss.training or loss.kind not in KINDS or adversarial or not _collapsed(loss):
            continue
        recent = last(loss.spread, RECENT)
        yield Finding(
            "TRN007",
            data={
                "loss": loss.kind,
                "spread": median(recent.values),
                "first_spread": loss.spread.values[0],
                "target_deviation": loss.target_std or 0.0,
                "steps": loss.spread.steps[-1] + 1,
                "producer": loss.producer_module or loss.producer,
            },
            place=at(loss.site, recent, module=loss.producer_module),
            confidence=Confidence.LIKELY,
        )


def _collapsed(loss: Loss) -> bool:
    spread = loss.spread
    if len(spread) < SAMPLES or spread.steps[-1] - spread.steps[0] < MINIMUM:
        return False
    return all(math.isfinite(value) and value < SPREAD for value in last(spread, RECENT).values)


RULE = Rule(
    code="TRN007",
    name="constant-predictions",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "After {steps} steps the predictions given to `{loss}` are nearly the same for every example: they vary by "
        "{spread:.1%} of what the targets vary.",
        "训练 {steps} 步之后，传给 `{loss}` 的预测对每个样本几乎都相同：其波动只有目标波动的 {spread:.1%}。",
    ),
    why=Text(
        "The model has learned the mean of the targets and nothing about the single example. Without regard to the "
        "input, the mean is the best answer; a network that cannot use its input (units that saturate or died, "
        "gradients that vanish, inputs or targets in raw units, too small a learning rate) stops there.",
        "模型学到了目标的均值，对单个样本一无所知。不看输入时，均值就是最好的答案；无法利用输入的网络"
        "（单元饱和或死亡、梯度消失、输入或目标未缩放、学习率过小）就会停在这里。",
    ),
    fix=Text(
        "See whether it can fit 20 examples alone. If not, look at the layers before the output: use `nn.ReLU` or a "
        "normalisation layer in place of stacked sigmoids, standardise inputs and targets "
        "(`y = (y - y.mean()) / y.std()`), and raise the learning rate.",
        "先看它能否单独拟合 20 个样本。若不能，检查输出之前的各层：用 `nn.ReLU` 或归一化层代替堆叠的 sigmoid，"
        "把输入和目标标准化（`y = (y - y.mean()) / y.std()`），并提高学习率。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(960, 10)
y = x[:, :2].sum(1, keepdim=True) + x[:, 2:3] * x[:, 3:4] + 3
model = nn.Sequential(
    nn.Linear(10, 32), nn.Sigmoid(), nn.Linear(32, 32), nn.Sigmoid(), nn.Linear(32, 32), nn.Sigmoid(), nn.Linear(32, 1)
)
optimizer = torch.optim.SGD(model.parameters(), lr=0.02)
for epoch in range(12):
    for rows in torch.randperm(960).split(32):
        loss = nn.functional.mse_loss(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    good="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(960, 10)
y = x[:, :2].sum(1, keepdim=True) + x[:, 2:3] * x[:, 3:4] + 3
model = nn.Sequential(
    nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 1)
)
optimizer = torch.optim.SGD(model.parameters(), lr=0.02)
for epoch in range(12):
    for rows in torch.randperm(960).split(32):
        loss = nn.functional.mse_loss(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    links=("https://karpathy.github.io/2019/04/25/recipe/",),
    explains=("TRN001",),
    explained_by=("DAT*", "MOD*", "LOS*", "OPT*", "NUM*", "TRN004"),
    needs=("loss",),
    preview=True,
)
