"""MOD023: most places of a sequence have no influence on the output."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import PositionProbe
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

FEWEST = 4
IGNORED = 0.5
"""Share of the places without influence from which on it is worth a word."""
START = 0.25
"""Only so much of the beginning is read: the state of a recurrent layer, or of causal attention, is taken at the wrong
end. Reading the last places alone may be meant."""


def check(probe: PositionProbe) -> Iterator[Finding]:
    if probe.varied < FEWEST or probe.ignored < IGNORED * probe.varied:
        return
    start = probe.sequence and probe.axis == 1 and probe.first_read == 0 and probe.last_read < START * probe.length
    yield Finding(
        "MOD023",
        data={
            "model": probe.model,
            "ignored": probe.ignored,
            "length": probe.length,
            "axis": probe.axis,
            "first": probe.first_read,
            "last": probe.last_read,
        },
        place=at(probe.site),
        confidence=Confidence.LIKELY if start else Confidence.POSSIBLE,
        severity=None if start else Severity.HINT,
    )


RULE = Rule(
    code="MOD023",
    name="sequence-not-read",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "No gradient of `{model}`'s output reaches {ignored} of the {length} places along axis {axis} of its "
        "input: it reads places {first} to {last} only.",
        "`{model}` 的输出对输入第 {axis} 轴的 {length} 个位置中的 {ignored}"
        " 个没有任何梯度：它只读取位置 {first} 到 {last}。",
    ),
    why=Text(
        "A recurrent layer, or causal attention, knows at place t only what came before. Whoever takes its first "
        "state has seen one element of the sequence; the rest is computed and thrown away.",
        "循环层或因果注意力在位置 t 只知道之前的内容。取第一个状态，就只看到序列的一个元素，其余计算全被丢弃。",
    ),
    fix=Text(
        "Take the state of the last real element: `states[:, -1]` (padded: `states[range(n), lengths - 1]`), or "
        "an average over the sequence.",
        "取最后一个真实元素的状态：`states[:, -1]`（有填充时用 `states[range(n), lengths - 1]`），或对整个序列取平均。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(1200, 12, 4)
y = (x[:, -3:, 0].sum(1) > 0).long()


class Reader(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(4, 32, batch_first=True)
        self.out = nn.Linear(32, 2)

    def forward(self, x):
        states, _ = self.lstm(x)
        return self.out(states[:, 0])


model = Reader()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(8):
    for rows in torch.randperm(1200).split(50):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    good="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(1200, 12, 4)
y = (x[:, -3:, 0].sum(1) > 0).long()


class Reader(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(4, 32, batch_first=True)
        self.out = nn.Linear(32, 2)

    def forward(self, x):
        states, _ = self.lstm(x)
        return self.out(states[:, -1])


model = Reader()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(8):
    for rows in torch.randperm(1200).split(50):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    links=("https://docs.pytorch.org/docs/stable/generated/torch.nn.LSTM.html",),
    explains=("MOD011", "TRN*"),
    explained_by=("MOD009", "MOD012"),
    needs=("probes",),
    preview=True,
)
