"""DAT047: the evaluation gives the model inputs of another size than training does."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from torchward.facts import Overlap, Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

APART = 10.0
"""Times that the root mean square is larger, or smaller. Pixels from 0 to 255 are about 200 times as large as those from 0
to 1; augmentation and other days' data move it by a fraction."""
STEADY = 3.0
"""Largest training batch over the least one: where sizes vary in training, they may do so later."""
BATCHES = 2
ALL = 0.9
"""Share of the evaluation batches at that line."""


def _ratios(found: Overlap) -> list[float]:
    """Size of each evaluation batch over that of the training batches before it."""
    return [
        size / median(before)
        for size, before in zip(found.sizes, found.training_sizes, strict=True)
        if size is not None and before and 0 < max(before) <= STEADY * min(before)
    ]


def check(run: Run) -> Iterator[Finding]:
    for found in run.overlaps:
        ratios = _ratios(found)
        apart = [ratio for ratio in ratios if ratio > APART or 0 < ratio < 1 / APART]
        if len(apart) < BATCHES or len(apart) < ALL * len(ratios):
            continue
        model = next((one for one in run.models if one.index == found.model), None)
        if model is None or not model.in_trainings or any(one.adversarial for one in run.trainings):
            continue
        yield Finding(
            "DAT047",
            data={"model": model.name, "ratio": median(apart), "batches": len(apart), "looked": len(ratios)},
            place=at(found.site),
            confidence=Confidence.LIKELY,
        )


RULE = Rule(
    code="DAT047",
    name="evaluated-on-another-scale",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "in {batches} of {looked} evaluation batches the inputs of `{model}` are {ratio} times as large (root mean square) as "
        "those that it is trained on.",
        "在 {looked} 个评估批次中有 {batches} 个，`{model}` 的输入（均方根）是训练输入的 {ratio} 倍。",
    ),
    why=Text(
        "The model has never seen such numbers: what it says of them is worthless, and so is the metric, though it may be "
        "perfectly well trained. Two places prepare the data, and one of them leaves a step out or makes it twice.",
        "模型从未见过这样的数值：它的输出毫无意义，指标也一样，尽管训练本身可能完全正常。多半是两处分别处理数据，其中一处漏掉或重复了某一步。",
    ),
    fix=Text(
        "Prepare training and held-out data by one and the same function, fitted on training rows: scale first (`/ 255`), then "
        "normalise; augment only in training. Print `x.min(), x.max(), x.std()` of a batch of each.",
        "用同一个函数处理训练数据和留出数据，统计量只在训练行上拟合：先缩放（`/ 255`），再标准化；只在训练时做增强。"
        "分别打印一个批次的 `x.min(), x.max(), x.std()`。",
    ),
    bad="""\
import torch
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(0)
digits = load_digits()
images, labels = torch.tensor(digits.images).float().unsqueeze(1), torch.tensor(digits.target)


def prepared(images, train):
    if train:
        images = images / 16 + 0.05 * torch.randn_like(images)
    return (images - 0.3) / 0.37


model = nn.Sequential(nn.Conv2d(1, 16, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(144, 10))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(8):
    model.train()
    for rows in torch.randperm(1400).split(50):
        loss = nn.functional.cross_entropy(model(prepared(images[rows], True)), labels[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        right = (model(prepared(images[1400:], False)).argmax(1) == labels[1400:]).float().mean()
    print(epoch, loss.item(), right.item())
""",
    good="""\
import torch
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(0)
digits = load_digits()
images, labels = torch.tensor(digits.images).float().unsqueeze(1), torch.tensor(digits.target)


def prepared(images, train):
    images = images / 16
    if train:
        images = images + 0.05 * torch.randn_like(images)
    return (images - 0.3) / 0.37


model = nn.Sequential(nn.Conv2d(1, 16, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(144, 10))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(8):
    model.train()
    for rows in torch.randperm(1400).split(50):
        loss = nn.functional.cross_entropy(model(prepared(images[rows], True)), labels[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        right = (model(prepared(images[1400:], False)).argmax(1) == labels[1400:]).float().mean()
    print(epoch, loss.item(), right.item())
""",
    links=("https://developers.google.com/machine-learning/guides/rules-of-ml#training-serving_skew",),
    explains=("TRN002", "TRN006", "DAT045"),
    needs=("modules",),
    preview=True,
)
