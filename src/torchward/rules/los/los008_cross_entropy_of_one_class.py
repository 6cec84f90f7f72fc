"""LOS008: cross-entropy over a class axis of size one: always 0."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Finding, Rule, Severity, Text
from torchward.rules._at import at

SAMPLES = 3


def check(run: Run) -> Iterator[Finding]:
    for loss in run.losses:
        shape = loss.prediction_shape
        if not loss.training or loss.kind != "cross_entropy" or len(loss.values) < SAMPLES:
            continue
        if len(shape) < 2 or shape[1] != 1 or any(loss.values.values):
            continue
        yield Finding(
            "LOS008",
            data={"prediction": shape, "target": loss.target_shape, "samples": len(loss.values)},
            place=at(loss.site, loss.values, module=loss.producer_module),
        )


RULE = Rule(
    code="LOS008",
    name="cross-entropy-of-one-class",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "`cross_entropy` is given scores of shape {prediction}, one class only: the loss is exactly 0 in all {samples} "
        "sampled steps.",
        "`cross_entropy` 收到的分数形状为 {prediction}，只有一个类别：在全部 {samples} 个采样步中损失恰好为 0。",
    ),
    why=Text(
        "Softmax over a single score is 1 whatever the score is. The loss and every gradient are 0, so the model never "
        "changes, and it looks like a perfect fit.",
        "对单个分数做 softmax，结果总是 1。损失和所有梯度都是 0，模型从不改变，看上去却像完美拟合。",
    ),
    fix=Text(
        "For two classes with one score use `nn.BCEWithLogitsLoss()` with float targets of the same shape; or give the "
        "last layer one output per class and `CrossEntropyLoss` integer targets of shape (N,).",
        "二分类且只有一个输出时，使用 `nn.BCEWithLogitsLoss()`，目标为同形状的浮点数；"
        "或者让最后一层对每个类别各有一个输出，并给 `CrossEntropyLoss` 形状为 (N,) 的整数目标。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(800, 8)
y = (x[:, :1] + x[:, 1:2] > 0).float()
model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 1))
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(12):
    for rows in torch.randperm(800).split(50):
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
x = torch.randn(800, 8)
y = (x[:, :1] + x[:, 1:2] > 0).float()
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
    links=("https://docs.pytorch.org/docs/stable/generated/torch.nn.CrossEntropyLoss.html",),
    explains=(
        "TRN*",
        "MOD003",
        "MOD004",
        "MOD005",
        "MOD009",
        "MOD010",
        "MOD011",
        "MOD027",
        "LOS002",
        "LOS004",
        "LOS005",
        "LOS006",
        "NUM003",
        "OPT004",
        "OPT008",
        "OPT014",
    ),
    needs=("loss",),
)
