"""MOD003: most units of a hidden ReLU layer are 0 for every example."""

from __future__ import annotations

import math
from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at
from torchward.rules._progress import last, longest

WINDOW = 8
"""Samples over which the recorder counts a unit as dead; the least value of as many in a row is a full window's."""
MINIMUM_SAMPLES = 5
EXAMPLES = 64
"""A unit must have been 0 for at least as many examples: sparse, healthy units are silent for 8 in a row."""
DEAD = 0.5
"""SageMaker Debugger's DeadRelu speaks when more than 50 % of a layer are dead, DeepDiagnosis (ICSE 2022) at 70 %."""
MOSTLY_DEAD = 0.9
"""Wide layers on small data keep up to about 70 % dead units and learn all the same: while the loss falls well, only a
layer with less than a tenth of its units left is worth a hint."""
ALL_DEAD = 0.98


def check(run: Run) -> Iterator[Finding]:
    course = longest(run)
    learning = course is not None and course.halved and not course.at_chance
    # Values of actions are learned from each other: their error may well rise as the values do.
    reinforced = bool(run.learners or run.choices or (course is not None and course.stream.weighed_choices))
    stuck = course is not None and (not course.fell or course.at_chance) and not reinforced
    shapes = [*(one.shape for one in run.inputs), *(one.prediction_shape for one in run.losses if one.training)]
    examples = max((shape[0] for shape in shapes if shape), default=0)
    found = []
    for activation in run.activations:
        shares = activation.dead_share.values
        if activation.kind != "relu" or activation.before_loss or activation.units < 4:
            continue
        recent = shares[-WINDOW:]
        if len(recent) < MINIMUM_SAMPLES or len(recent) * examples < EXAMPLES:
            continue
        if not all(map(math.isfinite, activation.mean.values[-WINDOW:])):
            continue  # NaN is not above 0 either
        share = min(recent)
        if share >= ALL_DEAD or share >= MOSTLY_DEAD or (share > DEAD and stuck):
            found.append((activation, share))
    if not found:
        return
    worst, share = max(found, key=lambda pair: pair[1])
    severity = None
    if share < ALL_DEAD or learning:
        severity = Severity.HINT if learning else Severity.WARNING
    model = next((model for model in run.models if model.site), None)
    site = model.site if model is not None else None
    yield Finding(
        "MOD003",
        data={
            "layers": tuple(activation.layer or activation.name for activation, _ in found[:8]),
            "count": len(found),
            "layer": worst.layer or worst.name,
            "share": share,
            "units": worst.units,
            "first_share": min(worst.dead_share.values[:WINDOW]),
            "examples": min(WINDOW, len(worst.dead_share)) * examples,
        },
        place=at(site, last(worst.dead_share, WINDOW), module=worst.layer),
        confidence=Confidence.CERTAIN if share >= ALL_DEAD else Confidence.LIKELY,
        severity=severity,
    )


RULE = Rule(
    code="MOD003",
    name="dead-relu",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "{share:.0%} of the {units} ReLU units after `{layer}` are 0 for every one of {examples} examples "
        "(layers affected: {layers}).",
        "`{layer}` 之后的 {units} 个 ReLU 单元中，有 {share:.0%} 对 {examples} 个样本全部输出 0（受影响的层：{layers}）"
        "。",
    ),
    why=Text(
        "A ReLU that is 0 for every example has zero gradient, so no update can bring it back: its layer, and "
        "everything before it, learns through the few units that are left, or not at all.",
        "对所有样本都输出 0 的 ReLU 梯度恒为零，任何更新都无法让它恢复：该层以及它之前的所有层，"
        "只能靠剩下的少数单元学习，甚至完全学不到东西。",
    ),
    fix=Text(
        "Start again with a learning rate about 10 times smaller, default (or `nn.init.kaiming_normal_`) weights and "
        "biases that are not far below 0; if units still die, use `nn.LeakyReLU(0.01)` after `{layer}`.",
        "重新训练：把学习率调小约 10 倍，使用默认（或 `nn.init.kaiming_normal_`）初始化，偏置不要远小于 0；"
        "若仍有单元失活，在 `{layer}` 之后改用 `nn.LeakyReLU(0.01)`。",
    ),
    bad="""\
import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(1)


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(16, 64)
        self.fc2 = nn.Linear(64, 64)
        self.fc3 = nn.Linear(64, 4)
        for layer in (self.fc1, self.fc2):
            nn.init.normal_(layer.weight, std=0.05)
            nn.init.constant_(layer.bias, -2.0)

    def forward(self, x):
        return self.fc3(F.relu(self.fc2(F.relu(self.fc1(x)))))


x = torch.randn(1024, 16)
y = (x @ torch.randn(16, 4)).argmax(dim=1)
net = Classifier()
opt = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
for epoch in range(12):
    order = torch.randperm(len(x))
    for batch in order.split(64):
        loss = F.cross_entropy(net(x[batch]), y[batch])
        opt.zero_grad()
        loss.backward()
        opt.step()
    print(f"epoch {epoch}: {loss.item():.3f}")
""",
    good="""\
import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(1)


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(16, 64)
        self.fc2 = nn.Linear(64, 64)
        self.fc3 = nn.Linear(64, 4)
        for layer in (self.fc1, self.fc2):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            nn.init.zeros_(layer.bias)

    def forward(self, x):
        return self.fc3(F.relu(self.fc2(F.relu(self.fc1(x)))))


x = torch.randn(1024, 16)
y = (x @ torch.randn(16, 4)).argmax(dim=1)
net = Classifier()
opt = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
for epoch in range(12):
    order = torch.randperm(len(x))
    for batch in order.split(64):
        loss = F.cross_entropy(net(x[batch]), y[batch])
        opt.zero_grad()
        loss.backward()
        opt.step()
    print(f"epoch {epoch}: {loss.item():.3f}")
""",
    links=(
        "https://docs.aws.amazon.com/sagemaker/latest/dg/dead-relu.html",
        "https://arxiv.org/abs/1903.06733",
    ),
    explains=("DAT006", "OPT008", "MOD010", "MOD011", "NUM003", "NUM012", "TRN001", "TRN003", "TRN004"),
    needs=("graph",),
)
