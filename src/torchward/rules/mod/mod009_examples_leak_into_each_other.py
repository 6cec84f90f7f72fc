"""MOD009: what the model says of one example depends on the other examples of its batch."""

from __future__ import annotations

import math
from collections.abc import Iterator

from torchward.facts import LeakProbe
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

LEAK = 1e-2
"""Change of untouched examples' outputs, in deviations of the outputs: rounding in float32 leaves below 1e-4, bfloat16
below 1e-2, and the mixing of examples by a wrong axis or a wrong view tenths and more."""
OVER_NOISE = 100.0
NO_CHANGE = 1e-6
"""Change of the changed examples' outputs below which the output is a constant; see MOD010."""


def check(probe: LeakProbe) -> Iterator[Finding]:
    inside = bool(probe.leaking_module) and probe.own_change < NO_CHANGE
    leaks = math.isfinite(probe.leak) and probe.leak >= max(LEAK, OVER_NOISE * probe.noise)
    if probe.examples < 4 or not (leaks or inside):
        return
    site = probe.site
    yield Finding(
        "MOD009",
        data={
            "model": probe.model,
            "examples": probe.examples,
            "leak": probe.leak,
            "own_change": probe.own_change,
            "module": probe.leaking_module or probe.model,
            "kind": probe.leaking_kind or probe.model,
        },
        place=at(site, module=probe.leaking_module),
        confidence=Confidence.LIKELY,
        # Batch norm without running statistics mixes examples by design, if seldom by intent.
        severity=Severity.HINT if probe.leaking_kind.startswith("BatchNorm") else None,
    )


RULE = Rule(
    code="MOD009",
    name="examples-leak-into-each-other",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "When half of a batch is changed, what `{module}` ({kind}) makes of the other, unchanged examples is changed, too; "
        "`{model}`'s outputs for these move by {leak} standard deviations (for the changed ones by {own_change}).",
        "只改变批次中一半的样本，`{module}`（{kind}）对其余未改变样本的计算结果也随之改变；"
        "`{model}` 对这些样本的输出变动了 {leak} 个标准差（被改变的样本为 {own_change}）。",
    ),
    why=Text(
        "In eval mode each example should be judged by itself. If examples mix, the model learns from the neighbours "
        "in the batch, and its answers change with the batch it is given.",
        "在 eval 模式下，每个样本都应独立得到结果。样本之间互相混入时，模型会从同批的其他样本学习，"
        "输出也会随批次组成而改变。",
    ),
    fix=Text(
        "In `{module}`, look for an operation over the batch axis: a softmax, mean or norm with the wrong `dim`, "
        "`view` or `reshape` where `permute` or `transpose` was meant, or a recurrent or attention layer without "
        "`batch_first=True`.",
        "在 `{module}` 中查找作用在批次轴上的运算：softmax、mean 或 norm 的 `dim` 写错，"
        "应该用 `permute` 或 `transpose` 却用了 `view` 或 `reshape`，或者循环层、注意力层缺少 `batch_first=True`。",
    ),
    bad="""\
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)


class Tagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(6, 24)
        self.head = nn.Linear(24, 2)

    def forward(self, x):  # (batch, time, features)
        states, _ = self.lstm(x)
        return self.head(states[:, -1])


series = torch.randn(800, 10, 6)
labels = (series[:, -3:, 0].sum(1) > 0).long()
loader = DataLoader(TensorDataset(series, labels), batch_size=32, shuffle=True)
model = Tagger()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
for epoch in range(8):
    for x, y in loader:
        loss = nn.functional.cross_entropy(model(x), y)
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


class Tagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(6, 24, batch_first=True)
        self.head = nn.Linear(24, 2)

    def forward(self, x):  # (batch, time, features)
        states, _ = self.lstm(x)
        return self.head(states[:, -1])


series = torch.randn(800, 10, 6)
labels = (series[:, -3:, 0].sum(1) > 0).long()
loader = DataLoader(TensorDataset(series, labels), batch_size=32, shuffle=True)
model = Tagger()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
for epoch in range(8):
    for x, y in loader:
        loss = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    links=(
        "https://docs.pytorch.org/docs/stable/generated/torch.nn.LSTM.html",
        "https://karpathy.github.io/2019/04/25/recipe/",
    ),
    explains=("DAT006", "MOD010", "TRN001", "TRN003", "TRN004"),
    needs=("probes",),
)
