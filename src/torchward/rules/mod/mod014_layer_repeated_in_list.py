"""MOD014: one layer stands several times in a list that was meant to hold several."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at


def check(run: Run) -> Iterator[Finding]:
    for model in run.models:
        if model.repeated is None:
            continue
        path, kind, times = model.repeated
        yield Finding(
            "MOD014",
            data={"model": model.name, "list": path or model.name, "kind": kind, "times": times},
            place=at(model.site, module=path),
            # Weights may be shared over the depth on purpose (ALBERT), if hardly ever by such a list.
            confidence=Confidence.LIKELY,
        )


RULE = Rule(
    code="MOD014",
    name="layer-repeated-in-list",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "`{list}` of `{model}` holds one and the same `{kind}` {times} times: all {times} places have the "
        "same weights.",
        "`{model}` 的 `{list}` 中，同一个 `{kind}` 出现了 {times} 次：这 {times} 处使用的是同一组权重。",
    ),
    why=Text(
        "`[layer] * n` repeats the reference, it makes no new layers. The network is as deep as it seems but "
        "has the parameters of one layer, and can learn accordingly less.",
        "`[layer] * n` 只是重复引用，不会创建新的层。网络看起来有那么深，参数却只有一层，能学到的东西也相应变少。",
    ),
    fix=Text(
        "Make each layer: `nn.ModuleList([{kind}(...) for _ in range({times})])`, or copy a finished one "
        "with `copy.deepcopy(layer)`.",
        "逐个创建：`nn.ModuleList([{kind}(...) for _ in range({times})])`，或用 `copy.deepcopy(layer)` 复制已有的层。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)


class Block(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.norm, self.inner = nn.LayerNorm(size), nn.Linear(size, size)

    def forward(self, x):
        return x + torch.relu(self.inner(self.norm(x)))


class Network(nn.Module):
    def __init__(self, depth=4):
        super().__init__()
        self.embed = nn.Linear(10, 32)
        self.blocks = nn.ModuleList([Block(32)] * depth)
        self.head = nn.Linear(32, 4)

    def forward(self, x):
        x = self.embed(x)
        for block in self.blocks:
            x = block(x)
        return self.head(x)


x = torch.randn(2000, 10)
y = (x @ torch.randn(10, 4)).argmax(1)
model = Network()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for step in range(250):
    rows = torch.randint(0, 2000, (50,))
    loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(loss.item())
""",
    good="""\
import torch
from torch import nn

torch.manual_seed(0)


class Block(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.norm, self.inner = nn.LayerNorm(size), nn.Linear(size, size)

    def forward(self, x):
        return x + torch.relu(self.inner(self.norm(x)))


class Network(nn.Module):
    def __init__(self, depth=4):
        super().__init__()
        self.embed = nn.Linear(10, 32)
        self.blocks = nn.ModuleList([Block(32) for _ in range(depth)])
        self.head = nn.Linear(32, 4)

    def forward(self, x):
        x = self.embed(x)
        for block in self.blocks:
            x = block(x)
        return self.head(x)


x = torch.randn(2000, 10)
y = (x @ torch.randn(10, 4)).argmax(1)
model = Network()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for step in range(250):
    rows = torch.randint(0, 2000, (50,))
    loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(loss.item())
""",
    links=("https://docs.pytorch.org/docs/stable/generated/torch.nn.ModuleList.html",),
    explains=("TRN001",),
    needs=("modules",),
)
