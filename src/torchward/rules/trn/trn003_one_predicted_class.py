"""TRN003: the classifier gives one and the same class for everything."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

MINIMUM_STEPS = 100
LONG = 300
"""Steps from which one class only is no longer a slow start."""
STILL_RUNNING = 2_000
MINIMUM_PREDICTIONS = 50
ONE = 0.995
"""Share of the most predicted class."""
IMBALANCED = 0.9
"""Share of the largest class above which always naming it is what an honest classifier may well do: worth a hint, if
the training was long and rare classes were among its targets."""
RARE = 5
"""Targets of other classes."""
DOUBTFUL = 0.75


def check(run: Run) -> Iterator[Finding]:
    if any(training.adversarial for training in run.trainings):
        return
    for loss in run.losses:
        if not loss.training or len(loss.values) < 5:
            continue
        steps = loss.values.steps[-1] - loss.values.steps[0]
        predicted, wanted = sum(loss.recent_predicted.values()), sum(loss.recent_target.values())
        if steps < MINIMUM_STEPS or predicted < MINIMUM_PREDICTIONS or len(loss.recent_target) < 2:
            continue
        if not run.ended and steps < STILL_RUNNING:
            continue
        label, most = max(loss.recent_predicted.items(), key=lambda pair: pair[1])
        largest = max(loss.recent_target.values()) / wanted
        if most < ONE * predicted:
            continue
        if largest > IMBALANCED and (steps < LONG or wanted * (1 - largest) < RARE):
            continue
        site = loss.site
        yield Finding(
            "TRN003",
            data={
                "label": label,
                "predictions": predicted,
                "share": most / predicted,
                "classes": len(loss.recent_target),
                "largest": largest,
                "step": loss.values.steps[-1],
            },
            place=at(site, loss.values, module=loss.producer_module),
            confidence=Confidence.LIKELY if steps >= LONG else Confidence.POSSIBLE,
            severity=Severity.HINT if largest > DOUBTFUL else None,
        )


RULE = Rule(
    code="TRN003",
    name="one-predicted-class",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "{share:.0%} of the last {predictions} predictions looked at (up to step {step}) are class {label}, although "
        "the targets hold {classes} classes and the largest has only {largest:.0%}.",
        "最近查看的 {predictions} 个预测（到第 {step} 步）中有 {share:.0%} 是类别 {label}，"
        "而目标中有 {classes} 个类别，最大的只占 {largest:.0%}。",
    ),
    why=Text(
        "The model has found that one constant answer is the best it can do: it uses nothing of its input.",
        "模型发现固定回答同一类是它能做到的最好结果：它没有利用输入中的任何信息。",
    ),
    fix=Text(
        "Print the raw scores of a few different inputs. If they are equal, look for what wipes out the input (dead "
        "units, wrong scale); if not, for a learning rate that is too high, or give rare classes more weight with "
        "`cross_entropy(..., weight=...)`.",
        "打印几个不同输入的原始分数。若完全相同，查找是什么抹掉了输入（单元失活、数值尺度不对）；"
        "若不同，检查学习率是否过高，或用 `cross_entropy(..., weight=...)` 提高少数类的权重。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(2000, 6)
y = (x[:, 0] * x[:, 1] > 0.2).long()


class Quadratic(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(6, 2)

    def forward(self, x):
        return self.linear(x)


model = Quadratic()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for step in range(500):
    rows = torch.randint(0, 2000, (100,))
    loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(loss.item())
""",
    good="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(2000, 6)
y = (x[:, 0] * x[:, 1] > 0.2).long()


class Quadratic(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(6, 32)
        self.linear = nn.Linear(32, 2)

    def forward(self, x):
        return self.linear(torch.relu(self.hidden(x)))


model = Quadratic()
optimizer = torch.optim.SGD(model.parameters(), lr=0.3, momentum=0.9)
for step in range(500):
    rows = torch.randint(0, 2000, (100,))
    loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(loss.item())
""",
    links=("https://docs.pytorch.org/docs/stable/generated/torch.nn.CrossEntropyLoss.html",),
    explains=("TRN001",),
    needs=("loss",),
)
