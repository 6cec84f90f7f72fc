"""MOD021: a tensor that is meant to learn is an attribute of the model, but no parameter of it."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import LeafProbe
from torchward.rule import Finding, Rule, Severity, Text
from torchward.rules._at import at


def check(probe: LeafProbe) -> Iterator[Finding]:
    if not probe.loose:
        return
    yield Finding(
        "MOD021",
        data={"model": probe.model, "count": len(probe.loose), "tensors": probe.loose[:8]},
        place=at(probe.site, parameter=probe.loose[0]),
    )


RULE = Rule(
    code="MOD021",
    name="tensor-not-a-parameter",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "{count} tensor(s) of `{model}` require gradients and make up its output, but are no parameters of it "
        "({tensors}): no optimizer holds them, and they stay as they are.",
        "`{model}` 有 {count} 个张量需要梯度、参与输出，却不是它的参数（{tensors}）："
        "没有优化器持有它们，它们始终不变。",
    ),
    why=Text(
        "`parameters()`, `to(device)` and `state_dict()` know `nn.Parameter` only. A tensor with "
        "`requires_grad=True` is given a gradient that nobody uses, does not move to the GPU and is missing from "
        "every checkpoint.",
        "`parameters()`、`to(device)` 和 `state_dict()` 只认 `nn."
        "Parameter`。带 `requires_grad=True` 的普通张量会得到梯度，但无人使用；它"
        "不会随模型移到 GPU，也不会写入检查点。",
    ),
    fix=Text(
        "Write `self.weight = nn.Parameter(torch.randn(...))` (several: `nn.ParameterList`), before the optimizer"
        " is made.",
        "写成 `self.weight = nn.Parameter(torch.randn(...))`（多个时用 `nn.ParameterList`），并且放在创建优化器之前。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(1000, 10)
y = (x.square().sum(1) > 9).long()


class Projection(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = torch.randn(10, 40, requires_grad=True)
        self.out = nn.Linear(40, 2)

    def forward(self, x):
        return self.out(torch.relu(x @ self.weight))


model = Projection()
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


class Projection(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(0.3 * torch.randn(10, 40))
        self.out = nn.Linear(40, 2)

    def forward(self, x):
        return self.out(torch.relu(x @ self.weight))


model = Projection()
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
    explains=("TRN*", "OPT001", "OPT003"),
    needs=("probes",),
    preview=True,
)
