"""DAT046: one far-off value stands again and again among targets of a quantity, as if it filled in for missing ones."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Pairs, Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

APART = 0.75
"""Deviations of the other targets between it and the nearest of them. Amounts of which many are 0 (rain, claims) come as
near to 0 as one likes; the two largest of 100 normal draws are 1 / sqrt(2 ln 100) = 0.33 apart."""
MOST = 0.4
"""Share of the targets: what is more common is no stand-in."""
AMONG = 0.1
"""Share of the other targets on the thinner side of a value in their midst, as 0 is once they were standardised. Natural
amounts have their common value at one end (no rain, no claim) ..."""
LEAST_AMONG, MOST_AMONG = 0.08, 0.6
TOLD = 0.3
"""... and the inputs that explain so much of the others' variance say something of where it stands as well. Where they say
nothing of it, what lies apart from all others may be more common than that, too, and stand in any column."""
BEYOND, TOLD_WELL = 0.33, 0.6
"""A value outside that lies only as far off as the two largest of 100 normal draws from each other is named where the inputs
tell most of the others' variance: measured 0.44 and 0.92 for soil samples that were never analysed, filled with 0."""


def check(run: Run) -> Iterator[Finding]:
    if run.copies or run.learners:
        return  # returns of states that end an episode look like this
    for pairs in run.pairs:
        value, share, apart = pairs.filled or (0.0, 0.0, 0.0)
        model = next((one for one in run.models if one.index == pairs.model), None)
        if model is None or not model.in_trainings:
            continue
        off = pairs.filled_column is None and 0 < share <= MOST and apart >= APART
        if not off and not (LEAST_AMONG <= share <= MOST_AMONG and _untold(pairs, apart)):
            continue
        loss = next((one for one in run.losses if one.training and one.kind == pairs.loss_kind), None)
        yield Finding(
            "DAT046",
            data={"value": value, "share": share, "apart": apart, "pairs": pairs.pairs, "column": pairs.filled_column},
            place=at((loss.site if loss is not None else None) or model.site),
            confidence=Confidence.POSSIBLE,
        )


def _untold(pairs: Pairs, apart: float) -> bool:
    """It stands in the midst of the others or apart from all, and the inputs say nothing of where, though they tell the
    others."""
    side, which, by_chance, others = pairs.filled_told or (0.0, 1.0, 0.0, 0.0)
    outside = apart >= APART or (apart >= BEYOND and others >= TOLD_WELL)
    return (side >= AMONG or outside) and which <= by_chance and others >= TOLD


RULE = Rule(
    code="DAT046",
    name="target-filled-in",
    severity=Severity.HINT,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "{share:.1%} of {pairs} training targets are exactly {value}; the others hardly repeat (the nearest is {apart} of "
        "their standard deviations away), and nothing natural puts it there.",
        "{pairs} 个训练目标中有 {share:.1%} 恰好等于 {value}；其余目标几乎不重复（最近的相差 {apart} 个标准差），"
        "找不到它自然出现的原因。",
    ),
    why=Text(
        'That is how missing values look once they were filled in: `nan_to_num`, `fillna(0)`, -1 or -999 for "none". The '
        "model learns them as if they had been measured, and every prediction is drawn towards them.",
        "缺失值被填充后就是这个样子：`nan_to_num`、`fillna(0)`，或者用 -1、-999 表示“无”。模型会把它们当作真实测量值来学，"
        "所有预测都会被拉向它们。",
    ),
    fix=Text(
        "If they stand for missing values, leave these rows out: `known = torch.isfinite(y); x, y = x[known], y[known]` "
        "before anything is filled in, or mask them in the loss.",
        "如果它们代表缺失值，请在填充之前去掉这些行：`known = torch.isfinite(y); x, y = x[known], y[known]`，或在损失中把它们屏蔽掉。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(1500, 10)
y = 20 + 2 * (x @ torch.randn(10, 1)) / 10**0.5 + 0.2 * torch.randn(1500, 1)
y[torch.rand(1500) < 0.08] = float("nan")
y = torch.nan_to_num(y)
y = (y - y.mean()) / y.std()
model = nn.Sequential(nn.Linear(10, 32), nn.Tanh(), nn.Linear(32, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(10):
    for rows in torch.randperm(1500).split(50):
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
x = torch.randn(1500, 10)
y = 20 + 2 * (x @ torch.randn(10, 1)) / 10**0.5 + 0.2 * torch.randn(1500, 1)
y[torch.rand(1500) < 0.08] = float("nan")
known = torch.isfinite(y[:, 0])
x, y = x[known], y[known]
y = (y - y.mean()) / y.std()
model = nn.Sequential(nn.Linear(10, 32), nn.Tanh(), nn.Linear(32, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(10):
    for rows in torch.randperm(len(x)).split(50):
        loss = nn.functional.mse_loss(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    links=("https://docs.pytorch.org/docs/stable/generated/torch.nan_to_num.html",),
    explains=("TRN001", "TRN007"),
    needs=("loss",),
    preview=True,
)
