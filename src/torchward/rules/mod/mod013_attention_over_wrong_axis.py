"""MOD013: attention weights add up to 1 along another axis than the one that is summed."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Finding, Rule, Severity, Text
from torchward.rules._at import at


def check(run: Run) -> Iterator[Finding]:
    for stream in run.streams:
        if stream.softmax is None:
            continue
        shape, axis, layer = stream.softmax
        yield Finding(
            "MOD013",
            data={"shape": shape, "axis": axis, "layer": layer or "softmax"},
            place=at(stream.site, module=layer),
        )
        return


RULE = Rule(
    code="MOD013",
    name="attention-over-wrong-axis",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "A softmax over axis {axis} of scores of shape {shape} (behind `{layer}`) is used as weights of a "
        "sum over another axis: the weights of that sum do not add up to 1.",
        "对形状为 {shape} 的分数（来自 `{layer}`）在轴 {axis} 上做了 softmax，随后却沿另一个轴加权求和：这些"
        "权重之和不为 1。",
    ),
    why=Text(
        "Attention is a weighted mean of the values, and its weights must add up to 1 over the keys. "
        "Normalised over the queries (or the heads), some positions get almost nothing and others several "
        "times too much, and each query sees what the other queries ask for, later ones included.",
        "注意力是对 value 的加权平均，权重应当在 key 这个轴上和为 1。如果在 query（或头）的轴上归一化，有的位"
        "置几乎得不到信息，有的则成倍放大，而且每个 query 会受其他 query（包括后面位置的）影响。",
    ),
    fix=Text(
        "Normalise over the axis that the product sums, for scores of (..., query, key) the last one: "
        "`weights = scores.softmax(dim=-1)`.",
        "在乘法求和的那个轴上归一化；分数形状为（..., query, key）时就是最后一个轴：`weights = scores.softmax"
        "(dim=-1)`。",
    ),
    bad="""\
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(0)


class Attention(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.query, self.key, self.value = (nn.Linear(size, size) for _ in range(3))

    def forward(self, x):  # (batch, time, size)
        scores = self.query(x) @ self.key(x).transpose(1, 2) / x.shape[-1] ** 0.5
        return F.softmax(scores, dim=1) @ self.value(x)


class Reader(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed, self.attention, self.head = nn.Linear(6, 24), Attention(24), nn.Linear(24, 3)

    def forward(self, x):
        h = self.embed(x)
        return self.head(torch.relu(h + self.attention(h)).mean(1))


x = torch.randn(1200, 9, 6)
y = x[:, :, :3].mean(1).argmax(1)
model = Reader()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for step in range(250):
    rows = torch.randint(0, 1200, (40,))
    loss = F.cross_entropy(model(x[rows]), y[rows])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(loss.item())
""",
    good="""\
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(0)


class Attention(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.query, self.key, self.value = (nn.Linear(size, size) for _ in range(3))

    def forward(self, x):  # (batch, time, size)
        scores = self.query(x) @ self.key(x).transpose(1, 2) / x.shape[-1] ** 0.5
        return F.softmax(scores, dim=-1) @ self.value(x)


class Reader(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed, self.attention, self.head = nn.Linear(6, 24), Attention(24), nn.Linear(24, 3)

    def forward(self, x):
        h = self.embed(x)
        return self.head(torch.relu(h + self.attention(h)).mean(1))


x = torch.randn(1200, 9, 6)
y = x[:, :, :3].mean(1).argmax(1)
model = Reader()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for step in range(250):
    rows = torch.randint(0, 1200, (40,))
    loss = F.cross_entropy(model(x[rows]), y[rows])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(loss.item())
""",
    links=(
        "https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.softmax.html",
        "https://arxiv.org/abs/1706.03762",
    ),
    explains=(
        "DAT006",
        "MOD009",
        "MOD011",
        "NUM001",
        "LLM001",
        "TRN001",
        "TRN003",
        "TRN004",
    ),
    needs=("graph",),
)
