"""MOD010: the model's output is the same whatever its input."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import DependenceProbe
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

NO_CHANGE = 1e-6
"""Change of the output relative to its size: float32 rounds at 6e-8 per operation."""


def check(probe: DependenceProbe) -> Iterator[Finding]:
    if probe.inputs == 0 or not probe.change <= NO_CHANGE:  # NaN is no answer
        return
    site = probe.site
    yield Finding(
        "MOD010",
        data={"model": probe.model, "change": probe.change, "inputs": probe.inputs},
        place=at(site),
        confidence=Confidence.CERTAIN if probe.change == 0 else Confidence.LIKELY,
    )


RULE = Rule(
    code="MOD010",
    name="output-ignores-input",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "`{model}` gives the same output for entirely different inputs (largest change: {change} of its size).",
        "输入完全不同时，`{model}` 的输出仍然相同（最大变化仅为输出大小的 {change}）。",
    ),
    why=Text(
        "A model whose output does not depend on its input can only learn one constant answer.",
        "输出不依赖输入的模型，最多只能学会一个固定答案。",
    ),
    fix=Text(
        "Follow the input through `forward` of `{model}`: look for a result that is overwritten or never used, a "
        "softmax over an axis of size 1, a multiplication by 0, or an activation that is 0 everywhere.",
        "在 `{model}` 的 `forward` 中逐步追踪输入：查找被覆盖或没有使用的中间结果、在长度为 1 的轴上做 softmax、"
        "乘以 0，或处处为 0 的激活。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)


class Pooled(nn.Module):
    def __init__(self, features=12, hidden=24, classes=3):
        super().__init__()
        self.score = nn.Linear(features, 1)
        self.mix = nn.Linear(1, hidden)
        self.out = nn.Linear(hidden, classes)

    def forward(self, x):
        weight = torch.softmax(self.score(x), dim=1)
        return self.out(torch.tanh(self.mix(weight)))


inputs = torch.randn(1500, 12)
labels = (inputs @ torch.randn(12, 3)).argmax(1)
model = Pooled()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
for step in range(200):
    rows = torch.randint(0, 1500, (50,))
    loss = nn.functional.cross_entropy(model(inputs[rows]), labels[rows])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if not step % 50:
        print(step, loss.item())
""",
    good="""\
import torch
from torch import nn

torch.manual_seed(0)


class Pooled(nn.Module):
    def __init__(self, features=12, hidden=24, classes=3):
        super().__init__()
        self.score = nn.Linear(features, features)
        self.mix = nn.Linear(features, hidden)
        self.out = nn.Linear(hidden, classes)

    def forward(self, x):
        weight = torch.softmax(self.score(x), dim=1)
        return self.out(torch.tanh(self.mix(weight * x)))


inputs = torch.randn(1500, 12)
labels = (inputs @ torch.randn(12, 3)).argmax(1)
model = Pooled()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
for step in range(200):
    rows = torch.randint(0, 1500, (50,))
    loss = nn.functional.cross_entropy(model(inputs[rows]), labels[rows])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if not step % 50:
        print(step, loss.item())
""",
    links=("https://karpathy.github.io/2019/04/25/recipe/",),
    explains=("DAT006", "MOD003", "MOD004", "MOD011", "TRN001", "TRN003", "TRN004"),
    needs=("probes",),
)
