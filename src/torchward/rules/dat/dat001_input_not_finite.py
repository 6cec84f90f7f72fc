"""DAT001: NaN or infinite values in what the model is given."""

from __future__ import annotations

import math
from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at


def check(run: Run) -> Iterator[Finding]:
    loss_lost = run.nonfinite
    names = {model.index: model.name for model in run.models}
    found = False
    for given in run.inputs:
        bad = [
            (step, count)
            for step, count in zip(given.nonfinite.steps, given.nonfinite.values, strict=True)
            if count > 0
        ]
        if not bad:
            continue
        before_loss = loss_lost is not None and bad[0][0] <= loss_lost.step
        if loss_lost is None or not before_loss:
            # An additive attention mask is minus infinity on purpose, and zero elsewhere.
            if not any(given.minimum.values) and not any(given.maximum.values):
                continue
            # A model that fills gaps by itself gives its first layer finite values.
            filled = bool(given.layer_rms) and all(map(math.isfinite, given.layer_rms.values))
            if filled or len(bad) < 3 or not run.ended:
                continue
        found = True
        yield Finding(
            "DAT001",
            data={
                "model": names.get(given.model, ""),
                "count": int(bad[0][1]),
                "step": int(bad[0][0]),
                "batches": len(bad),
                "samples": len(given.nonfinite),
            },
            place=at(given.site, given.nonfinite),
            # Where the loss stays finite, the model takes care of them: missing values, masks.
            confidence=Confidence.CERTAIN if before_loss else Confidence.POSSIBLE,
            severity=None if before_loss else Severity.HINT,
        )
    if not found and loss_lost is not None and loss_lost.origin == "input":
        model = run.models[0] if run.models else None
        yield Finding(
            "DAT001",
            data={"model": model.name if model else "", "count": 1, "step": loss_lost.step, "batches": 1, "samples": 1},
            place=at(model.site if model else loss_lost.site),
            confidence=Confidence.LIKELY,
        )


RULE = Rule(
    code="DAT001",
    name="input-not-finite",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "the input of `{model}` holds NaN or infinite values, first seen in step {step} ({count} of them; {batches} of "
        "{samples} batches looked at).",
        "`{model}` 的输入含有 NaN 或无穷值，首次见于第 {step} 步（{count} 个；查看过的 {samples} 个批次中有 {batches} 个）。",
    ),
    why=Text(
        "One such value makes the outputs, the loss and every gradient NaN, and the step that follows writes NaN into all "
        "weights: nothing after that step is training.",
        "一个这样的值就会让输出、损失和所有梯度变成 NaN，随后的更新把 NaN 写进全部权重：从那一步起就不再是训练了。",
    ),
    fix=Text(
        "Clean the data before training: `assert torch.isfinite(x).all()` where the data set is made, then drop those "
        "rows or fill them (`torch.nan_to_num`, the column's mean). Division by a zero deviation and `log(0)` in the "
        "preparation are the usual sources.",
        "训练前清洗数据：在构造数据集处加上 `assert torch.isfinite(x).all()`，再删除或填补这些行（`torch.nan_to_num`、该列均值）。"
        "常见来源是预处理中除以为零的标准差，以及 `log(0)`。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)

raw = torch.rand(500, 9)
raw[:, 4] = 3.0  # a sensor that never changes
inputs = (raw - raw.mean(0)) / (raw.std(0, unbiased=False).round(decimals=6))
targets = raw[:, :1] * 2 - raw[:, 1:2]

model = nn.Sequential(nn.Linear(9, 32), nn.ReLU(), nn.Linear(32, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for step in range(200):
    rows = torch.randint(0, 500, (32,))
    loss = nn.functional.mse_loss(model(inputs[rows]), targets[rows])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
""",
    good="""\
import torch
from torch import nn

torch.manual_seed(0)

raw = torch.rand(500, 9)
raw[:, 4] = 3.0  # a sensor that never changes
inputs = (raw - raw.mean(0)) / (raw.std(0, unbiased=False) + 1e-6)
targets = raw[:, :1] * 2 - raw[:, 1:2]

model = nn.Sequential(nn.Linear(9, 32), nn.ReLU(), nn.Linear(32, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for step in range(200):
    rows = torch.randint(0, 500, (32,))
    loss = nn.functional.mse_loss(model(inputs[rows]), targets[rows])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
""",
    links=(
        "https://docs.pytorch.org/docs/stable/generated/torch.isfinite.html",
        "https://docs.pytorch.org/docs/stable/generated/torch.nan_to_num.html",
    ),
    explains=(
        "NUM001",
        "NUM002",
        "NUM003",
        "NUM004",
        "NUM007",
        "TRN*",
        "MOD003",
        "MOD004",
        "MOD009",
        "MOD010",
        "MOD011",
        "LOS007",
        "DAT002",
        "OPT007",
        "OPT008",
    ),
    needs=("modules",),
)
