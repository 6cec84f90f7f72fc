"""MOD020: each forward pass makes its parameters anew, so they never train."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import LeafProbe
from torchward.rule import Finding, Rule, Severity, Text
from torchward.rules._at import at


def check(probe: LeafProbe) -> Iterator[Finding]:
    if not probe.anew:
        return
    named = next((name for name in probe.anew if name), "")
    yield Finding(
        "MOD020",
        data={
            "model": probe.model,
            "count": len(probe.anew),
            "shapes": tuple(dict.fromkeys(probe.anew_shapes))[:8],
            "parameters": tuple(name for name in probe.anew if name)[:8],
        },
        place=at(probe.site, parameter=named),
    )


RULE = Rule(
    code="MOD020",
    name="parameter-made-anew",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "Every forward pass of `{model}` makes {count} parameter(s) anew (shapes: {shapes}).",
        "`{model}` 每次前向都会重新创建 {count} 个参数（形状：{shapes}）。",
    ),
    why=Text(
        "A parameter that is made in `forward` has its first value at every step: the optimizer was given others,"
        " or none, and what the gradient says of it is thrown away with it.",
        "在 `forward` 里创建的参数，每一步都是初始值：优化器拿到的是别的参数或根本没有，它的梯度也随它一起被丢弃。",
    ),
    fix=Text(
        "Make it once, in `__init__`: `self.gain = nn.Parameter(torch.ones(n))`, and only use it in `forward`.",
        "只在 `__init__` 中创建一次：`self.gain = nn.Parameter(torch.ones(n))`，在 `forward` 中只使用它。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(1000, 10)
y = (x.square().sum(1) > 9).long()


class Gated(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(10, 40)
        self.out = nn.Linear(40, 2)

    def forward(self, x):
        gain = nn.Parameter(torch.ones(40))
        h = torch.relu(self.hidden(x) * gain)
        return self.out(h)


model = Gated()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(8):
    for rows in torch.randperm(1000).split(50):
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
x = torch.randn(1000, 10)
y = (x.square().sum(1) > 9).long()


class Gated(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(10, 40)
        self.out = nn.Linear(40, 2)
        self.gain = nn.Parameter(torch.ones(40))

    def forward(self, x):
        h = torch.relu(self.hidden(x) * self.gain)
        return self.out(h)


model = Gated()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(8):
    for rows in torch.randperm(1000).split(50):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    links=("https://docs.pytorch.org/docs/stable/generated/torch.nn.parameter.Parameter.html",),
    explains=("TRN*", "OPT001", "DAT006", "MOD001"),
    needs=("probes",),
    preview=True,
)
