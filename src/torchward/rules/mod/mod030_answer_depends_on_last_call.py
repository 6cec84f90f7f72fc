"""MOD030: a model keeps something from one call to the next."""

from __future__ import annotations

import math
from collections.abc import Iterator

from torchward.facts import RepeatProbe
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

CHANGE = 1e-2
"""In deviations of the outputs."""


def check(probe: RepeatProbe) -> Iterator[Finding]:
    if not math.isfinite(probe.carried) or probe.carried < CHANGE:
        return
    yield Finding(
        "MOD030",
        data={"model": probe.model, "change": probe.carried},
        place=at(probe.site),
        confidence=Confidence.POSSIBLE,
    )


RULE = Rule(
    code="MOD030",
    name="answer-depends-on-last-call",
    severity=Severity.HINT,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "Called twice in eval mode with the same input and the same random state, `{model}` answers differently, "
        "by up to {change} standard deviations: it keeps something from call to call.",
        "在 eval 模式下用同样的输入、同样的随机状态调用两次，`{model}` 的输出最多相差 {chan"
        "ge} 个标准差：它在两次调用之间保留了某些状态。",
    ),
    why=Text(
        "That is right where batches continue each other, as pieces of one long text. With shuffled examples the "
        "state of others is read as if it were the beginning of this one, and results depend on the order of the "
        "batches.",
        "如果各批次前后相接（例如一篇长文本的片段），这样做是对的。若样本是打乱的，就会把别的样本的状态当成当前样"
        "本的开头，结果取决于批次的顺序。",
    ),
    fix=Text(
        "Begin each call anew (`self.gru(x)` without a state), or reset the state wherever the sequence is a new one.",
        "每次调用重新开始（`self.gru(x)` 不传状态），或在序列更换时重置状态。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(640, 10, 4)
y = (x[:, :, 0].sum(1) > 0).long()


class Remembers(nn.Module):
    def __init__(self):
        super().__init__()
        self.gru = nn.GRU(4, 32, batch_first=True)
        self.out = nn.Linear(32, 2)
        self.state = None

    def forward(self, x):
        states, self.state = self.gru(x, self.state)
        self.state = self.state.detach()
        return self.out(states[:, -1])


model = Remembers()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(8):
    for rows in torch.randperm(640).split(16):
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
x = torch.randn(640, 10, 4)
y = (x[:, :, 0].sum(1) > 0).long()


class Remembers(nn.Module):
    def __init__(self):
        super().__init__()
        self.gru = nn.GRU(4, 32, batch_first=True)
        self.out = nn.Linear(32, 2)
        self.state = None

    def forward(self, x):
        states, _ = self.gru(x, None)
        return self.out(states[:, -1])


model = Remembers()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(8):
    for rows in torch.randperm(640).split(16):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    links=("https://docs.pytorch.org/docs/stable/generated/torch.nn.GRU.html",),
    explained_by=("MOD009", "MOD012", "MOD022"),
    needs=("probes",),
    preview=True,
)
