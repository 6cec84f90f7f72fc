"""TRN004: a copy of the model could not memorise a handful of examples."""

from __future__ import annotations

import math
from collections.abc import Iterator

from torchward.facts import MemoriseProbe
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

MINIMUM_STEPS = 150
LEFT = 0.6
"""Share of the loss of the best constant answer that is left. Healthy networks keep less than 0.35 after 200 steps of
Adam at 1e-3 and then 1e-2, linear models included."""
NOTHING = 0.95
"""... from which on nothing at all was learned by heart."""
LEFT_UNKNOWN = 0.95
"""... of the first loss, where the best constant answer is not known, nor what the loss can reach at all."""
LARGE = 25.0
"""Loss of a constant answer above which a regression's targets are too large for so few steps."""
PER_EXAMPLE = 8
"""Targets per example above which (language models, segmentation) so few steps do not learn them by heart."""
FEW_INPUTS = 4
"""Numbers of an example up to which examples lie so close that noisy quantities are not learned by heart in so few steps."""
REGRESSIONS = ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss")


def check(probe: MemoriseProbe) -> Iterator[Finding]:
    if probe.steps < MINIMUM_STEPS or not probe.distinct_inputs or probe.examples < 2:
        return
    constant, least = probe.constant_loss, probe.least_loss
    if probe.targets > PER_EXAMPLE * probe.examples:
        return
    if probe.loss_kind in REGRESSIONS and (constant if constant is not None else probe.first_loss) > LARGE:
        return
    # A constant answer is no memorising.
    known = constant is not None and constant > least
    most = min(constant, probe.first_loss) if constant is not None and known else probe.first_loss
    if not math.isfinite(probe.last_loss) or most - least <= 0:
        return
    left = (probe.last_loss - least) / (most - least)
    if left < (LEFT if known else LEFT_UNKNOWN):
        return
    if probe.loss_kind in REGRESSIONS and 0 < probe.inputs < FEW_INPUTS and left <= NOTHING:
        return
    site = probe.site
    yield Finding(
        "TRN004",
        data={
            "model": probe.model,
            "examples": probe.examples,
            "steps": probe.steps,
            "first": probe.first_loss,
            "last": probe.last_loss,
            "loss": probe.loss_kind,
            **({"constant": constant} if constant is not None else {}),
        },
        place=at(site),
        confidence=Confidence.LIKELY if known and left > NOTHING else Confidence.POSSIBLE,
    )


RULE = Rule(
    code="TRN004",
    name="cannot-memorise-one-batch",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "A copy of `{model}`, trained on {examples} examples alone, still had a loss of {last} after {steps} steps "
        "({first} at the start).",
        "`{model}` 的副本只用 {examples} 个样本训练 {steps} 步后，损失仍为 {last}（开始时为 {first}）。",
    ),
    why=Text(
        "A model that cannot learn a few examples by heart will not learn a data set either: something in its forward "
        "pass, or between output and loss, keeps the loss from falling, whatever the learning rate of the script.",
        "连几个样本都记不住的模型，也学不会整个数据集：前向计算中或输出与损失之间有什么阻止了损失下降，"
        "与脚本的学习率无关。",
    ),
    fix=Text(
        "Check the output of `{model}`: its range (normalised or squashed scores need a scale, such as `10 * scores`), "
        "its shape next to the targets, that no layer is too narrow, and that every layer gets a gradient.",
        "检查 `{model}` 的输出：取值范围（经过归一化或压缩的分数需要乘以一个系数，例如 `10 * scores`）、"
        "与目标的形状是否一致，中间是否有过窄的层，以及每一层是否都得到梯度。",
    ),
    bad="""\
import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)


class Encoder(nn.Module):
    def __init__(self, inputs=20, size=1, classes=10):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(inputs, 64), nn.ReLU(), nn.Linear(64, size), nn.Tanh())
        self.head = nn.Linear(size, classes)

    def forward(self, x):
        return self.head(self.body(x))


x = torch.randn(2000, 20)
y = (x @ torch.randn(20, 10)).argmax(1)
model = Encoder()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for step in range(400):
    i = torch.randint(0, 2000, (64,))
    loss = F.cross_entropy(model(x[i]), y[i])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(loss.item())
""",
    good="""\
import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)


class Encoder(nn.Module):
    def __init__(self, inputs=20, size=32, classes=10):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(inputs, 64), nn.ReLU(), nn.Linear(64, size), nn.Tanh())
        self.head = nn.Linear(size, classes)

    def forward(self, x):
        return self.head(self.body(x))


x = torch.randn(2000, 20)
y = (x @ torch.randn(20, 10)).argmax(1)
model = Encoder()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for step in range(400):
    i = torch.randint(0, 2000, (64,))
    loss = F.cross_entropy(model(x[i]), y[i])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(loss.item())
""",
    links=("https://karpathy.github.io/2019/04/25/recipe/",),
    explains=("TRN001", "TRN003"),
    needs=("probes",),
)
