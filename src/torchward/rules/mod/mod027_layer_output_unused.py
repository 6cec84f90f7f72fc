"""MOD027: a layer is called, and nothing is made of its output."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import DependenceProbe
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at


def check(probe: DependenceProbe) -> Iterator[Finding]:
    """A model of one output: of several, one may be for another loss."""
    if not probe.without_own or probe.without_change > 0 or probe.outputs != 1:
        return
    if not any("weight" in name.rpartition(".")[2] for name in probe.without_own):  # `weight_ih_l0` of a GRU
        return
    first = probe.without_own[0]
    yield Finding(
        "MOD027",
        data={
            "model": probe.model,
            "count": len(probe.without_own),
            "layers": tuple(dict.fromkeys(name.rpartition(".")[0] for name in probe.without_own))[:8],
        },
        place=at(probe.site, module=first.rpartition(".")[0]),
        confidence=Confidence.LIKELY,
    )


RULE = Rule(
    code="MOD027",
    name="layer-output-unused",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "`{model}` calls layers whose output it does not use ({layers}): their {count} parameter(s) never get a "
        "gradient, and other values in them change nothing.",
        "`{model}` 调用了一些层却不使用它们的输出（{layers}）：其中 {count} 个参数从未"
        "得到梯度，改成别的值也不影响结果。",
    ),
    why=Text(
        "Most often the result was given a new name, and the next line goes on with the old one. The layer costs "
        "time and memory and is not part of the model.",
        "最常见的原因是结果存进了新变量，而下一行仍在用旧变量。该层耗费时间和显存，却不属于模型的计算。",
    ),
    fix=Text(
        "Use it: `h = h + self.attention(h, h, h)[0]`, or take the layer out.",
        "使用它的结果：`h = h + self.attention(h, h, h)[0]`；不需要就删掉这一层。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(1200, 8, 16)
y = (x.amax(1).mean(1) > 1.42).long()


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.inputs = nn.Linear(16, 32)
        self.attention = nn.MultiheadAttention(32, 4, batch_first=True)
        self.norm = nn.LayerNorm(32)
        self.out = nn.Linear(32, 2)

    def forward(self, x):
        h = torch.relu(self.inputs(x))
        mixed, _ = self.attention(h, h, h)
        return self.out(self.norm(h).mean(1))


model = Block()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(6):
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
x = torch.randn(1200, 8, 16)
y = (x.amax(1).mean(1) > 1.42).long()


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.inputs = nn.Linear(16, 32)
        self.attention = nn.MultiheadAttention(32, 4, batch_first=True)
        self.norm = nn.LayerNorm(32)
        self.out = nn.Linear(32, 2)

    def forward(self, x):
        h = torch.relu(self.inputs(x))
        mixed, _ = self.attention(h, h, h)
        return self.out(self.norm(h + mixed).mean(1))


model = Block()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(6):
    for rows in torch.randperm(1200).split(50):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    links=("https://docs.pytorch.org/docs/stable/generated/torch.nn.MultiheadAttention.html",),
    explains=("TRN*", "LOS006", "MOD041"),  # where other weights change nothing, no `detach()` stands in the way
    explained_by=("MOD010", "MOD011"),
    needs=("probes",),
    preview=True,
)
