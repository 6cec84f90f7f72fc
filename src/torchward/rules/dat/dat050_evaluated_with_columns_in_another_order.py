"""DAT050: the evaluation gives the model the columns of its input in another order than training does."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Reordered, Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

ALL = 0.9
"""Share of the evaluation batches at a line that fit one order or another ..."""
SEVERAL = 0.3
"""... and of all: of small batches in another order, some fit none."""
AGREEING = 0.5
"""Share of the batches that are in the same other order as one before: parts of the data, such as one class, may fit
another order by chance, and each part another one."""
BATCHES, ROWS = 2, 32
"""So many batches, or one of so many examples where none beside it is far from training in every order."""


def _sure(found: Reordered) -> Confidence | None:
    if found.shown or found.trained_later:
        return None  # asked in both orders, or trained on in both, as where that is what is studied
    if found.turned < BATCHES and (found.rows < ROWS or found.neither):
        return None
    if found.agreeing < AGREEING * (found.turned - 1):
        return None
    if found.turned >= max(ALL * (found.looked - found.neither), SEVERAL * found.looked):
        return Confidence.LIKELY
    # Validation in the order of training, and a test in another one, by the same function.
    return Confidence.POSSIBLE if found.turned >= BATCHES and not found.neither else None


def check(run: Run) -> Iterator[Finding]:
    for found in run.reordered:
        sure = _sure(found)
        model = next((one for one in run.models if one.index == found.model), None)
        if sure is None or model is None or not model.in_trainings or any(one.adversarial for one in run.trainings):
            continue
        yield Finding(
            "DAT050",
            data={
                "model": model.name,
                "batches": found.turned,
                "looked": found.looked,
                "moved": found.moved,
                "columns": found.columns,
                "axis": found.axis,
                "place": found.place,
                "there": found.trained_place,
            },
            place=at(found.site),
            confidence=sure,
        )


RULE = Rule(
    code="DAT050",
    name="evaluated-with-columns-in-another-order",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "in {batches} of {looked} evaluation batches the {columns} columns (axis {axis}) of the input of `{model}` fit those of "
        "training in another order only: {moved} stand elsewhere, such as number {place} (from 0), which in training is "
        "number {there}.",
        "在 {looked} 个评估批次中有 {batches} 个，`{model}` 输入的 {columns} 列（第 {axis} 轴）只有换一种顺序才与训练时相符：有 {moved} 列"
        "不在原来的位置，例如第 {place} 列（从 0 数起）在训练中是第 {there} 列。",
    ),
    why=Text(
        "A model knows its features by their place alone. Given in another order, each weight meets another feature: predictions "
        "are worthless, and so is the metric, though the model may be perfectly well trained. No shape is wrong, so nothing fails.",
        "模型只凭位置识别特征。顺序一变，每个权重都会遇到别的特征：预测毫无意义，指标也一样，尽管训练本身可能完全正常。形状都对，所以不会报错。",
    ),
    fix=Text(
        "Keep one list of names, made from the training table, and select with it everywhere: `frame[columns]`; for one-hot "
        "columns `reindex(columns=columns, fill_value=0)` or one encoder, fitted once. Never iterate a `set` or sort in one of "
        "two places. Read images by one function (OpenCV gives BGR, PIL gives RGB).",
        "用训练表得到一份列名清单，处处用它取列：`frame[columns]`；独热列用 `reindex(columns=columns, fill_value=0)`，或同一个只拟合一次的编码器。"
        "不要遍历 `set`，也不要只在一处排序。用同一个函数读图（OpenCV 是 BGR，PIL 是 RGB）。",
    ),
    bad="""\
import torch
from sklearn.datasets import load_wine
from torch import nn

torch.manual_seed(0)
wine = load_wine()
table = dict(zip(wine.feature_names, torch.tensor(wine.data).float().log1p().T, strict=True))
labels = torch.tensor(wine.target)
rows = torch.randperm(len(labels))
train, test = rows[:120], rows[120:]

inputs = torch.stack(list(table.values()), 1)
model = nn.Sequential(nn.Linear(13, 32), nn.ReLU(), nn.Linear(32, 3))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
for epoch in range(30):
    for batch in train[torch.randperm(120)].split(40):
        loss = nn.functional.cross_entropy(model(inputs[batch]), labels[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
held_out = torch.stack([table[name][test] for name in sorted(table)], 1)
with torch.no_grad():
    right = (model(held_out).argmax(1) == labels[test]).float().mean()
print(loss.item(), right.item())
""",
    good="""\
import torch
from sklearn.datasets import load_wine
from torch import nn

torch.manual_seed(0)
wine = load_wine()
table = dict(zip(wine.feature_names, torch.tensor(wine.data).float().log1p().T, strict=True))
labels = torch.tensor(wine.target)
rows = torch.randperm(len(labels))
train, test = rows[:120], rows[120:]

inputs = torch.stack(list(table.values()), 1)
model = nn.Sequential(nn.Linear(13, 32), nn.ReLU(), nn.Linear(32, 3))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
for epoch in range(30):
    for batch in train[torch.randperm(120)].split(40):
        loss = nn.functional.cross_entropy(model(inputs[batch]), labels[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
held_out = torch.stack([table[name][test] for name in table], 1)
with torch.no_grad():
    right = (model(held_out).argmax(1) == labels[test]).float().mean()
print(loss.item(), right.item())
""",
    links=(
        "https://developers.google.com/machine-learning/guides/rules-of-ml#training-serving_skew",
        "https://docs.opencv.org/4.x/d4/da8/group__imgcodecs.html",
    ),
    explains=("DAT045", "DAT047", "TRN002", "TRN003", "TRN006", "TRN007"),
    needs=("modules",),
    preview=True,
)
