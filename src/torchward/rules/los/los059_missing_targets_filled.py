"""LOS059: targets that are missing are filled with a number, and are trained on as if it had been measured."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

CALLS = 10
"""Sampled calls that were found so, ..."""
MOST = 0.9
"""... of those looked at: a batch here and there may miss nothing."""
SHARE = 0.02
"""Of the targets: a few lost measurements do little."""


def check(run: Run) -> Iterator[Finding]:
    for loss in run.losses:
        filled = loss.filled
        if not loss.training or filled is None or filled.calls < max(CALLS, MOST * filled.looked):
            continue
        if filled.share < SHARE:
            continue
        yield Finding(
            "LOS059",
            data={
                "loss": loss.kind,
                "share": filled.share,
                "value": filled.value,
                "calls": filled.calls,
            },
            place=at(loss.site, loss.values),
            # What was not mentioned may be agreed to be a no, or to have been none.
            confidence=Confidence.POSSIBLE if filled.measured else Confidence.LIKELY,
            severity=Severity.HINT if filled.measured else None,
        )


RULE = Rule(
    code="LOS059",
    name="missing-targets-filled",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "{share:.0%} of the targets of `{loss}` are missing (NaN); they are replaced by {value} and count like all others: "
        "the loss has neither a mask nor a weight ({calls} sampled calls).",
        "`{loss}` 的目标中有 {share:.0%} 是缺失值（NaN）；它们被换成 {value}，并与其他目标一样计入损失："
        "损失既没有掩码也没有权重（{calls} 次采样调用）。",
    ),
    why=Text(
        "The model learns to predict {value} wherever nothing was measured. What is missing is seldom missing at random, so it "
        "learns what was measured rather than what would be found; on complete data its predictions lean towards {value}.",
        "凡是没有测量的地方，模型都学着预测 {value}。缺失很少是随机的，因此它学到的是“哪些被测量过”，而不是“测量会得到什么”；"
        "在完整的数据上，预测会偏向 {value}。",
    ),
    fix=Text(
        "Leave them out: `known = ~torch.isnan(y)`, `{loss}(prediction[known], y[known])`; or multiply the loss of each value "
        "(`reduction='none'`) with the mask, and divide by how many are known.",
        "把它们排除在外：`known = ~torch.isnan(y)`，`{loss}(prediction[known], y[known])`；"
        "或把逐元素的损失（`reduction='none'`）乘以掩码，再除以已知目标的个数。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(2000, 8)
y = x @ torch.randn(8, 4) + 0.1 * torch.randn(2000, 4)
y[torch.rand(2000, 4) < torch.sigmoid(2 * y)] = float("nan")
model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 4))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(8):
    for rows in torch.randperm(2000).split(50):
        loss = nn.functional.mse_loss(model(x[rows]), torch.nan_to_num(y[rows]))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    good="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(2000, 8)
y = x @ torch.randn(8, 4) + 0.1 * torch.randn(2000, 4)
y[torch.rand(2000, 4) < torch.sigmoid(2 * y)] = float("nan")
model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 4))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(8):
    for rows in torch.randperm(2000).split(50):
        known = ~torch.isnan(y[rows])
        each = nn.functional.mse_loss(model(x[rows]), torch.nan_to_num(y[rows]), reduction="none")
        loss = (each * known).sum() / known.sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    links=("https://docs.pytorch.org/docs/stable/generated/torch.nan_to_num.html",),
    explains=("TRN*",),
    needs=("loss",),
    preview=True,
)
