"""LOS024: numbers of classes are predicted as if they were a quantity."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

PAIRS = 100
RELATED = 0.05
"""Share that a linear model must explain before its two readings are compared."""
ALIKE = 0.85
"""Of what is explained of the number. Own measurement on 500 pairs each: digits 1.03, wines 0.94, numbered clusters
mostly 0.84 to 1.06; rounded or binned quantities 0.5 and less, those that bend with the inputs up to 0.83, counts 0.1."""


def check(run: Run) -> Iterator[Finding]:
    for pairs in run.pairs:
        number, classes = pairs.as_number, pairs.as_classes
        if not pairs.classes or pairs.pairs < PAIRS or number is None or classes is None:
            continue
        if classes < RELATED or classes < ALIKE * number:
            continue
        model = next((one for one in run.models if one.index == pairs.model), None)
        if model is None:
            continue
        sites = [loss.site for loss in run.losses if loss.training and loss.kind == pairs.loss_kind]
        yield Finding(
            "LOS024",
            data={
                "model": model.name,
                "loss": pairs.loss_kind,
                "classes": pairs.classes,
                "last": pairs.classes - 1,
                "pairs": pairs.pairs,
            },
            place=at(sites[0] if len(sites) == 1 else model.site),
            confidence=Confidence.POSSIBLE,
        )


RULE = Rule(
    code="LOS024",
    name="class-number-as-quantity",
    severity=Severity.HINT,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "`{model}` is trained by `{loss}` towards one of the numbers 0 to {last}: in {pairs} examples nothing else occurs, "
        "each about as often, and they look like numbered classes, not like an ordered quantity.",
        "`{model}` 用 `{loss}` 去逼近 0 到 {last} 之间的整数：{pairs} 个样本中只出现这些值，频率相近，"
        "看起来是类别编号，而不是有序的数量。",
    ),
    why=Text(
        "A squared or absolute error says that class 2 lies between classes 1 and 3, and that confusing 0 with 9 is worse "
        "than confusing it with 1. In doubt between two classes the model answers with one in between.",
        "平方误差或绝对误差意味着类别 2 位于 1 和 3 之间，把 0 认成 9 比认成 1 更糟。"
        "模型在两个类别之间拿不准时，会给出夹在中间的另一个类别。",
    ),
    fix=Text(
        "Give the last layer {classes} outputs and use `nn.CrossEntropyLoss()` with the class numbers as they are (int64); "
        "the predicted class is `logits.argmax(1)`. Where the number is a count or a rating, leave it as it is.",
        "让最后一层输出 {classes} 个值，用 `nn.CrossEntropyLoss()`，目标直接用类别编号（int64）；"
        "预测类别为 `logits.argmax(1)`。如果这个数字是计数或评分，则不必改动。",
    ),
    bad="""\
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
kinds = torch.randint(0, 6, (1200,))
x = 1.5 * torch.randn(6, 12)[kinds] + torch.randn(1200, 12)
loader = DataLoader(TensorDataset(x, kinds), batch_size=40, shuffle=True)
model = nn.Sequential(nn.Linear(12, 48), nn.ReLU(), nn.Linear(48, 1))
criterion = nn.MSELoss()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(10):
    for inputs, labels in loader:
        loss = criterion(model(inputs).squeeze(1), labels.float())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    good="""\
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
kinds = torch.randint(0, 6, (1200,))
x = 1.5 * torch.randn(6, 12)[kinds] + torch.randn(1200, 12)
loader = DataLoader(TensorDataset(x, kinds), batch_size=40, shuffle=True)
model = nn.Sequential(nn.Linear(12, 48), nn.ReLU(), nn.Linear(48, 6))
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(10):
    for inputs, labels in loader:
        loss = criterion(model(inputs), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    links=("https://docs.pytorch.org/docs/stable/generated/torch.nn.CrossEntropyLoss.html",),
    needs=("probes", "loss"),
    preview=True,
)
