"""MOD011: parameters of layers that take part in the forward pass get no gradient, or only zeros."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import DependenceProbe, Run
from torchward.rule import Finding, Rule, Severity, Text
from torchward.rules._at import at

MINIMUM_SAMPLES = 5
"""Sampled steps with a gradient that is exactly 0: layers behind a zero-initialised one get theirs after the first."""
NO_CHANGE = 1e-6
"""Change of the output, relative to its size, that is more than rounding in float32."""


def check_zero(run: Run) -> Iterator[Finding]:
    """Gradients that arrive, and are exactly zero at every sampled step."""
    trained = max(run.models, key=lambda one: one.calls.training_with_backward, default=None)
    for model in run.models:
        # Adapters that hooks bring in are called within a model that does not hold them.
        own = [
            p
            for p in run.parameters
            if (p.model == model.index or (p.model is None and p.hidden_module and model is trained))
            and p.requires_grad
            and p.optimizers
        ]
        zero = [
            p
            for p in own
            if p.samples_with_grad >= MINIMUM_SAMPLES
            and len(p.grad_norm) >= MINIMUM_SAMPLES
            and not any(p.grad_norm.values)
            and not p.module_kind.startswith("Embedding")
        ]
        # A bias or a scale alone may have nothing to do; a weight matrix has.
        if not any(len(p.shape) >= 2 for p in zero):
            continue
        site = model.site
        yield Finding(
            "MOD011",
            data={
                "model": model.name,
                "count": len(zero),
                "parameters": tuple(p.name for p in zero[:8]),
                "gradient": "0",
                "samples": max(p.samples_with_grad for p in zero),
            },
            place=at(site, zero[0].grad_norm, zero[0].module, zero[0].name),
        )


def check_none(probe: DependenceProbe) -> Iterator[Finding]:
    """Layers that were called, that no gradient reached, and that the output is nevertheless made of."""
    if not probe.without or not probe.without_change > NO_CHANGE:
        return
    first = probe.without[0]
    yield Finding(
        "MOD011",
        data={
            "model": probe.model,
            "count": len(probe.without),
            "parameters": probe.without[:8],
            "gradient": "None",
            "change": probe.without_change,
        },
        place=at(probe.site, module=first.rpartition(".")[0], parameter=first),
    )


RULE = Rule(
    code="MOD011",
    name="parameters-without-gradient",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check_zero, check_none),
    message=Text(
        "{count} trainable parameter(s) of `{model}` take part in its output, yet their gradient is always {gradient}: "
        "{parameters}.",
        "`{model}` 有 {count} 个可训练参数影响输出，但梯度始终为 {gradient}：{parameters}。",
    ),
    why=Text(
        "Without a gradient the optimizer cannot change them: these layers keep their first values, though they take "
        "part in every output.",
        "没有梯度，优化器就无法更新它们：这些层虽然参与每一次输出，却一直保持初始值。",
    ),
    fix=Text(
        "Between these layers and the loss, look for `detach()`, `.data`, `.item()`, `no_grad`, `argmax`, `round`, a "
        "comparison or a factor of 0, and take it out; layers that are meant to stay fixed say so with "
        "`requires_grad_(False)`.",
        "在这些层与损失之间查找 `detach()`、`.data`、`.item()`、`no_grad`、`argmax`、`round`、比较运算或系数 0，"
        "并去掉它；"
        "如果这些层本来就要固定，用 `requires_grad_(False)` 明确冻结。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)


class Gated(nn.Module):
    def __init__(self):
        super().__init__()
        self.gate = nn.Linear(10, 16)
        self.value = nn.Linear(10, 16)
        self.out = nn.Linear(16, 3)

    def forward(self, x):
        gate = torch.sigmoid(self.gate(x)).round()
        return self.out(gate * torch.tanh(self.value(x)))


x = torch.randn(1600, 10)
y = (x @ torch.randn(10, 3)).argmax(1)
model = Gated()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
for step in range(250):
    rows = torch.randint(0, 1600, (80,))
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


class Gated(nn.Module):
    def __init__(self):
        super().__init__()
        self.gate = nn.Linear(10, 16)
        self.value = nn.Linear(10, 16)
        self.out = nn.Linear(16, 3)

    def forward(self, x):
        gate = torch.sigmoid(self.gate(x))
        return self.out(gate * torch.tanh(self.value(x)))


x = torch.randn(1600, 10)
y = (x @ torch.randn(10, 3)).argmax(1)
model = Gated()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
for step in range(250):
    rows = torch.randint(0, 1600, (80,))
    loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(loss.item())
""",
    links=("https://docs.pytorch.org/docs/stable/notes/autograd.html",),
    explains=("DAT006", "TRN001", "TRN003", "TRN004"),
    needs=("parameters",),
)
