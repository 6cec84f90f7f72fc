"""MOD012: what the model says of an example depends on the example's place in the batch."""

from __future__ import annotations

import math
from collections.abc import Iterator

from torchward.facts import LeakProbe
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

CHANGE = 1e-2
"""In deviations of the outputs: rounding in float32 leaves below 1e-4, bfloat16 below 1e-2."""
OVER_NOISE = 100.0


def check(probe: LeakProbe) -> Iterator[Finding]:
    change = probe.order_change
    if probe.examples < 4 or change is None or not math.isfinite(change):
        return
    # Examples that leak into each other change with their order too, and MOD009 says so.
    if change < max(CHANGE, OVER_NOISE * probe.noise) or probe.leak >= CHANGE:
        return
    yield Finding(
        "MOD012",
        data={
            "model": probe.model,
            "examples": probe.examples,
            "change": change,
            "module": probe.order_module or probe.model,
            "kind": probe.order_kind or probe.model,
        },
        place=at(probe.site, module=probe.order_module),
        confidence=Confidence.LIKELY,
    )


RULE = Rule(
    code="MOD012",
    name="output-depends-on-row",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "With the same {examples} examples in reverse order, `{model}`'s outputs for them move by {change} standard "
        "deviations; it begins in `{module}` ({kind}).",
        "同样的 {examples} 个样本按相反顺序排列后，`{model}` 对它们的输出变动了 {change} 个标准差；"
        "从 `{module}`（{kind}）开始。",
    ),
    why=Text(
        "Something is added or selected by the example's row in the batch, where it should go by the position in the "
        "sequence. In training the rows are shuffled, so this is noise, and the order inside each sequence stays "
        "unknown to the model.",
        "有某个量是按样本在批次中的行号（而不是在序列中的位置）加上或选取的。训练时行的顺序是随机的，"
        "所以它只是噪声，模型也无从知道序列内部的顺序。",
    ),
    fix=Text(
        "In `{module}`, index by the sequence axis: with inputs of (batch, time, features) write "
        "`x + self.pe[:, : x.size(1)]` with `pe` of shape (1, length, features), not `x + self.pe[: x.size(0)]`.",
        "在 `{module}` 中按序列轴取值：输入为（批次, 时间, 特征）时，令 `pe` 的形状为（1, 长度, 特征），"
        "写 `x + self.pe[:, : x.size(1)]`，而不是 `x + self.pe[: x.size(0)]`。",
    ),
    bad="""\
import math

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)


class PositionalEncoding(nn.Module):
    def __init__(self, size, length=200):
        super().__init__()
        position = torch.arange(length).unsqueeze(1)
        rate = torch.exp(torch.arange(0, size, 2) * (-math.log(10000.0) / size))
        pe = torch.zeros(length, 1, size)
        pe[:, 0, 0::2], pe[:, 0, 1::2] = torch.sin(position * rate), torch.cos(position * rate)
        self.register_buffer("pe", pe)

    def forward(self, x):
        return x + self.pe[: x.size(0)]


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed, self.position = nn.Linear(4, 32), PositionalEncoding(32)
        self.encoder = nn.TransformerEncoderLayer(32, 4, 64, dropout=0.0, batch_first=True)
        self.head = nn.Linear(32, 3)

    def forward(self, x):
        return self.head(self.encoder(self.position(self.embed(x))).mean(1))


x = torch.randn(960, 10, 4)
y = (x[:, :, 0].mean(1) > 0).long() + (x[:, :, 1].mean(1) > 0).long()
model = Classifier()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(6):
    for inputs, labels in DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True):
        loss = nn.functional.cross_entropy(model(inputs), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    good="""\
import math

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)


class PositionalEncoding(nn.Module):
    def __init__(self, size, length=200):
        super().__init__()
        position = torch.arange(length).unsqueeze(1)
        rate = torch.exp(torch.arange(0, size, 2) * (-math.log(10000.0) / size))
        pe = torch.zeros(1, length, size)
        pe[0, :, 0::2], pe[0, :, 1::2] = torch.sin(position * rate), torch.cos(position * rate)
        self.register_buffer("pe", pe)

    def forward(self, x):
        return x + self.pe[:, : x.size(1)]


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed, self.position = nn.Linear(4, 32), PositionalEncoding(32)
        self.encoder = nn.TransformerEncoderLayer(32, 4, 64, dropout=0.0, batch_first=True)
        self.head = nn.Linear(32, 3)

    def forward(self, x):
        return self.head(self.encoder(self.position(self.embed(x))).mean(1))


x = torch.randn(960, 10, 4)
y = (x[:, :, 0].mean(1) > 0).long() + (x[:, :, 1].mean(1) > 0).long()
model = Classifier()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(6):
    for inputs, labels in DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True):
        loss = nn.functional.cross_entropy(model(inputs), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    links=(
        "https://docs.pytorch.org/docs/stable/generated/torch.nn.TransformerEncoderLayer.html",
        "https://arxiv.org/abs/1706.03762",
    ),
    explains=("DAT006", "TRN001", "TRN002", "TRN003", "TRN004"),
    needs=("probes",),
)
