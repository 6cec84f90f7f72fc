"""DAT048: one and the same value stands far from all others of its feature, as if it filled in for missing ones."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

BATCHES = 2
TIMES = 4
TOGETHER = 2
"""Examples of one batch that share it: a single example that is far off comes again in every pass over the data."""


def check(run: Run) -> Iterator[Finding]:
    models = {model.index: model for model in run.models}
    for found in run.far_off:
        model = models.get(found.model)
        if model is None or not model.in_trainings:
            continue
        if found.batches < BATCHES or found.times < TIMES or found.together < TOGETHER:
            continue
        yield Finding(
            "DAT048",
            data={"model": model.name, "value": found.value, "batches": found.batches, "apart": found.apart},
            place=at(model.site),
            confidence=Confidence.LIKELY,
        )
        return


RULE = Rule(
    code="DAT048",
    name="fill-value-among-inputs",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "`{model}` is trained on inputs of which some are exactly {value}, {apart:.0f} standard deviations away from all "
        "others of the same feature (in {batches} of the sampled batches).",
        "`{model}` 的训练输入中有一些值恰好是 {value}，与同一特征的其他值至少相差 {apart:.0f} 个标准差（采样批次中有 {batches} 个出现）。",
    ),
    why=Text(
        "That is how -999, 9999 or the like look that a sensor or a table writes for a missing value. Such examples swamp "
        "the rest of the batch: the loss jumps, gradients explode, and means and deviations for scaling are drawn away.",
        "传感器或表格用 -999、9999 之类的数表示缺失值时就是这个样子。这些样本会淹没批次中的其他样本：损失突跳、梯度爆炸，"
        "用于缩放的均值和标准差也被拉偏。",
    ),
    fix=Text(
        "Turn them into missing values where the data are read (`frame.replace(9999, np.nan)`, `read_csv(..., na_values=[9999])`), "
        "then leave those rows out or fill them with a typical value, before anything is scaled.",
        "在读取数据时就把它们变成缺失值（`frame.replace(9999, np.nan)`、`read_csv(..., na_values=[9999])`），"
        "然后在缩放之前去掉这些行，或用典型值填充。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)
table = torch.randn(1200, 8) * 2 + 20
y = table[:, :1] - table[:, 1:2] + torch.sin(table[:, 2:3])
missing = torch.rand(1200) < 0.02
table[missing, 3] = 9999.0
x = (table - table.mean(0)) / table.std(0)
model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(8):
    for rows in torch.randperm(1000).split(100):
        loss = nn.functional.mse_loss(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        print(epoch, nn.functional.mse_loss(model(x[1000:]), y[1000:]).item())
""",
    good="""\
import torch
from torch import nn

torch.manual_seed(0)
table = torch.randn(1200, 8) * 2 + 20
y = table[:, :1] - table[:, 1:2] + torch.sin(table[:, 2:3])
missing = torch.rand(1200) < 0.02
table[missing, 3] = table[~missing, 3].median()
x = (table - table.mean(0)) / table.std(0)
model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(8):
    for rows in torch.randperm(1000).split(100):
        loss = nn.functional.mse_loss(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        print(epoch, nn.functional.mse_loss(model(x[1000:]), y[1000:]).item())
""",
    links=("https://pandas.pydata.org/docs/user_guide/missing_data.html",),
    explains=("NUM002", "NUM010", "TRN001", "TRN004", "TRN008", "DAT002", "DAT021", "LOS007", "OPT007", "OPT025"),
    needs=("modules",),
)
