"""DAT007: one of the input features is the target itself."""

from __future__ import annotations

import math
from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

PAIRS = 100
FEATURES = 4
"""Below, a toy task (`y = 2 * x + 1`) is likelier than a leak."""
NEAR = 0.9995
"""Correlation from which on a feature leaves less than a thousandth of the target's variance to the others. Values that
hardly change from one time to the next reach that, too."""
EXACT = 1e-8
"""Share of the target's variance that a weighted sum of the features leaves over: rounding in single precision."""
GROWTH = 3.0
"""Features that make up a target one by one have squared weights that add up to 1. Where the sum is as exact and the
weights are larger, features that are alike are subtracted from each other: a mean less its other parts, a total less the
rest. A toy task is rarely so."""
NAMED = 8
SEVERAL, SPARSE = 2, 0.3
"""Numbers of an input that are not 0: a single one is what is to be told itself, and of nearly all no single one tells."""


def check(run: Run) -> Iterator[Finding]:
    for pairs in run.pairs:
        feature, correlation = pairs.nearest or (0, 0.0)
        if pairs.pairs < PAIRS or pairs.features < FEATURES or pairs.axes != 2:
            continue
        left, growth, parts = pairs.sum or (1.0, 0.0, ())
        if correlation >= NEAR:
            parts = (feature,)
        elif left <= EXACT and growth >= GROWTH and len(parts) > 1:
            correlation = math.sqrt(1 - left)
        else:
            continue
        copied = parts == (feature,) and pairs.copies is not None
        model = next((one for one in run.models if one.index == pairs.model), None)
        if model is None or not model.in_trainings:
            continue
        yield Finding(
            "DAT007",
            data={
                "model": model.name,
                "parts": ", ".join(map(str, parts[:NAMED])),
                "correlation": correlation,
                "features": pairs.features,
                "pairs": pairs.pairs,
            },
            place=at(model.site),
            confidence=Confidence.LIKELY if copied else Confidence.POSSIBLE,
            severity=None if copied else Severity.HINT,
        )


def check_marked(run: Run) -> Iterator[Finding]:
    """Inputs with one number for each class, such as what a reader has bought so far, that hold the class to be told."""
    for pairs in run.pairs:
        model = next((one for one in run.models if one.index == pairs.model), None)
        if model is None or not model.in_trainings or pairs.pairs < PAIRS:
            continue
        if pairs.marked == 1 and SEVERAL <= pairs.marks <= SPARSE * pairs.features:
            yield Finding(
                "DAT007",
                data={
                    "model": model.name,
                    "parts": "x[i, y[i]]",
                    "correlation": 1.0,
                    "features": pairs.features,
                    "pairs": pairs.pairs,
                },
                place=at(model.site),
                confidence=Confidence.LIKELY,
            )


RULE = Rule(
    code="DAT007",
    name="target-among-inputs",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check, check_marked),
    message=Text(
        "Of the {features} input features of `{model}` (counted from 0), {parts} hold the target itself, or nearly so: "
        "weighted and added up they correlate with it by {correlation:.6g} over {pairs} pairs gathered.",
        "`{model}` 的 {features} 个输入特征中（从 0 数起），{parts} 号包含目标本身或几乎就是目标："
        "在收集的 {pairs} 对样本中，它们加权求和后与目标的相关系数为 {correlation:.6g}。",
    ),
    why=Text(
        "The model only has to pass that feature through. Training and validation look perfect, and where the target "
        "is not known beforehand the model is worth nothing.",
        "模型只要把这个特征原样传出去即可。训练和验证看起来都很完美，但在事先不知道目标的场合，模型毫无用处。",
    ),
    fix=Text(
        "Take the target out of the inputs: `frame.drop(columns=[target])` where the table is read; and let windows end "
        "before it: `frame[target].shift(1).rolling(24).mean()`.",
        "把目标从输入中去掉：读表时用 `frame.drop(columns=[target])`；滑动窗口要在目标之前结束："
        "`frame[target].shift(1).rolling(24).mean()`。",
    ),
    bad="""\
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
table = torch.randn(1500, 9)
table[:, 8] = table[:, :8] @ torch.randn(8) + 0.5 * torch.randn(1500)

price = table[:, 8:]
features = (table - table.mean(0)) / table.std(0)
model = nn.Sequential(nn.Linear(9, 32), nn.ReLU(), nn.Linear(32, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(8):
    for x, y in DataLoader(TensorDataset(features, price), batch_size=50, shuffle=True):
        loss = nn.functional.mse_loss(model(x), y)
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
table = torch.randn(1500, 9)
table[:, 8] = table[:, :8] @ torch.randn(8) + 0.5 * torch.randn(1500)

price, table = table[:, 8:], table[:, :8]
features = (table - table.mean(0)) / table.std(0)
model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(8):
    for x, y in DataLoader(TensorDataset(features, price), batch_size=50, shuffle=True):
        loss = nn.functional.mse_loss(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    links=("https://scikit-learn.org/stable/common_pitfalls.html",),
    needs=("probes",),
)
