"""MOD026: a model learns something that its state dict leaves out."""

from __future__ import annotations

import math
from collections.abc import Iterator

from torchward.facts import ModeProbe
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

CHANGE = 0.1
"""In deviations of the outputs."""
OVER_NOISE = 10.0


def check(probe: ModeProbe) -> Iterator[Finding]:
    change = probe.outside
    # A number that the script sets, as a temperature that it lowers, is left out of it too, and may be meant to be.
    if change is None or not probe.kept or not math.isfinite(change):
        return
    if change < CHANGE or probe.noise > change / OVER_NOISE:
        return
    yield Finding(
        "MOD026",
        data={"model": probe.model, "change": change, "tensors": probe.kept[:8]},
        place=at(probe.site),
        confidence=Confidence.LIKELY,
    )


RULE = Rule(
    code="MOD026",
    name="state-outside-state-dict",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "A copy of `{model}` from the first steps, given the state dict of now, answers differently than "
        "`{model}` itself in eval mode, by up to {change} standard deviations: part of what it has learned is not"
        " in its state dict (changed since: {tensors}).",
        "把当前的状态字典载入最初几步时的副本后，它在 eval 模式下的输出与 `{model}` 本身最多相差"
        " {change} 个标准差：模型学到的一部分内容不在状态字典里（此后变化的有：{tensors}）。",
    ),
    why=Text(
        "A tensor that is a plain attribute is neither saved nor moved by `to(device)`. After loading the "
        "checkpoint it has its first value again: the model that is deployed is not the one that was evaluated.",
        "作为普通属性的张量既不会被保存，也不会随 `to(device)` 移动。加载检查点后它又回到初始值：部"
        "署的模型已不是评估过的模型。",
    ),
    fix=Text(
        'Register what `forward` updates: `self.register_buffer("mean", torch.zeros(n))` in `__init__`, and '
        "change it in place (`self.mean.lerp_(batch_mean.detach(), 0.1)`).",
        "把 `forward` 中更新的量注册为 buffer：在 `__init__` 中写 `self.re"
        'gister_buffer("mean", torch.zeros(n))`，并原地更新（`self.m'
        "ean.lerp_(batch_mean.detach(), 0.1)`）。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(1500, 10) * 3 + 5
y = (x[:, 0] * x[:, 1] > 25).long()


class Standardise(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.mean = torch.zeros(size)
        self.var = torch.ones(size)

    def forward(self, x):
        if self.training:
            mean, var = x.mean(0), x.var(0)
            self.mean = 0.9 * self.mean + 0.1 * mean.detach()
            self.var = 0.9 * self.var + 0.1 * var.detach()
        else:
            mean, var = self.mean, self.var
        return (x - mean) / (var + 1e-5).sqrt()


model = nn.Sequential(Standardise(10), nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(12):
    model.train()
    for rows in torch.randperm(1200).split(50):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        print(epoch, (model(x[1200:]).argmax(1) == y[1200:]).float().mean().item())
torch.save(model.state_dict(), "model.pt")
""",
    good="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(1500, 10) * 3 + 5
y = (x[:, 0] * x[:, 1] > 25).long()


class Standardise(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.register_buffer("mean", torch.zeros(size))
        self.register_buffer("var", torch.ones(size))

    def forward(self, x):
        if self.training:
            mean, var = x.mean(0), x.var(0)
            self.mean = 0.9 * self.mean + 0.1 * mean.detach()
            self.var = 0.9 * self.var + 0.1 * var.detach()
        else:
            mean, var = self.mean, self.var
        return (x - mean) / (var + 1e-5).sqrt()


model = nn.Sequential(Standardise(10), nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(12):
    model.train()
    for rows in torch.randperm(1200).split(50):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        print(epoch, (model(x[1200:]).argmax(1) == y[1200:]).float().mean().item())
torch.save(model.state_dict(), "model.pt")
""",
    links=("https://docs.pytorch.org/docs/stable/generated/torch.nn.Module.html",),
    explained_by=("MOD001", "MOD020", "MOD021"),
    needs=("probes",),
    preview=True,
)
