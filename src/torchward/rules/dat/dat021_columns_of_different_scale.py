"""DAT021: columns of a table lie on scales that differ by orders of magnitude."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import InputProbe
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

RATIO = 1e3
SMALL = 0.05
"""Root mean square of a column that the first layer, initialised for values of about 1, hardly notices."""


def check(probe: InputProbe) -> Iterator[Finding]:
    small, large = probe.smallest, probe.largest
    if small is None or large is None or small <= 0 or probe.normalised_first:
        return
    if large < RATIO * small or small > SMALL:
        return
    yield Finding(
        "DAT021",
        data={
            "model": probe.model,
            "columns": probe.shape[1],
            "small": small,
            "small_column": probe.smallest_column,
            "large": large,
            "large_column": probe.largest_column,
            "count": probe.small_columns,
        },
        place=at(probe.site),
        confidence=Confidence.POSSIBLE,
    )


RULE = Rule(
    code="DAT021",
    name="columns-of-different-scale",
    severity=Severity.HINT,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "The {columns} columns given to `{model}` lie on different scales: from {small} (column {small_column}) "
        "to {large} (column {large_column}); {count} of them are less than a thousandth of the largest.",
        "给 `{model}` 的 {columns} 列数据量级不同：从 {small}（第 {small_c"
        "olumn} 列）到 {large}（第 {large_column} 列）；其中 {count} 列不"
        "到最大列的千分之一。",
    ),
    why=Text(
        "A layer's weights all begin alike and move at one rate, so a column counts by its size: the small ones "
        "are as good as absent, whatever they say.",
        "同一层的权重起点相近、学习率相同，所以一列的影响取决于它的数值大小：很小的列几乎等于不存在，无论其中有多"
        "少信息。",
    ),
    fix=Text(
        "Standardise each column with figures of the training set: `x = (x - train.mean(0)) / train.std(0)`.",
        "用训练集的统计量逐列标准化：`x = (x - train.mean(0)) / train.std(0)`。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.rand(2000, 6) * torch.tensor([0.001, 0.001, 1.0, 1.0, 1.0, 4.0])
y = (x[:, 0] / 0.001 + x[:, 1] / 0.001 > 1).float()
model = nn.Sequential(nn.Linear(6, 24), nn.ReLU(), nn.Linear(24, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.2)
for epoch in range(15):
    for rows in torch.randperm(2000).split(50):
        loss = nn.functional.binary_cross_entropy_with_logits(model(x[rows]).squeeze(1), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    good="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.rand(2000, 6) * torch.tensor([1.0, 1.0, 1.0, 1.0, 1.0, 4.0])
y = (x[:, 0] / 1.0 + x[:, 1] / 1.0 > 1).float()
model = nn.Sequential(nn.Linear(6, 24), nn.ReLU(), nn.Linear(24, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.2)
for epoch in range(15):
    for rows in torch.randperm(2000).split(50):
        loss = nn.functional.binary_cross_entropy_with_logits(model(x[rows]).squeeze(1), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    links=("https://scikit-learn.org/stable/modules/preprocessing.html",),
    explains=("TRN*", "DAT006"),
    explained_by=("DAT002", "DAT001"),
    needs=("probes",),
    preview=True,
)
