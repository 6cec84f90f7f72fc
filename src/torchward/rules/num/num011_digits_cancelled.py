"""NUM011: single precision does not hold the digits that a model works with."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import ModeProbe
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

LOST = 0.01
"""In deviations of the output. Rounding of float32 leaves 1e-6 in shallow and 1e-4 in deep models."""


def check(probe: ModeProbe) -> Iterator[Finding]:
    if probe.digits_lost >= LOST:
        yield Finding(
            "NUM011",
            data={"model": probe.model, "change": probe.digits_lost, "where": probe.digits_in or probe.model},
            place=at(probe.site, module=probe.digits_in),
            confidence=Confidence.LIKELY,
        )


RULE = Rule(
    code="NUM011",
    name="digits-cancelled",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "`{model}` loses its digits in float32: computed in float64 from the same inputs and weights, its output is "
        "another one by {change} standard deviations. It begins in `{where}`.",
        "`{model}` 在 float32 下丢失了有效数字：用相同的输入和权重以 float64 计算，输出相差 {change} 个标准差。从 `{where}` 开始出现差异。",
    ),
    why=Text(
        "float32 holds seven digits. A small difference of large numbers, as in `(x * x).mean() - x.mean() ** 2` of "
        "values far from 0, or in squared distances as `a * a + b * b - 2 * a * b`, keeps none of them: what is left is "
        "rounding noise, or a negative variance.",
        "float32 只有约七位有效数字。两个大数相减得到的小差值，例如对远离 0 的数值计算 `(x * x).mean() - x.mean() ** 2`，"
        "或用 `a * a + b * b - 2 * a * b` 计算距离平方，有效数字会全部抵消：剩下的只是舍入噪声，甚至出现负的方差。",
    ),
    fix=Text(
        "Subtract before you square: `x.var()` or `(x - x.mean()).square().mean()`, `torch.cdist(a, b, "
        'compute_mode="donot_use_mm_for_euclid_dist")`; and bring inputs near 0 first, by subtracting their mean over the '
        "training data.",
        "先相减再平方：用 `x.var()` 或 `(x - x.mean()).square().mean()`，距离用 `torch.cdist(a, b, "
        'compute_mode="donot_use_mm_for_euclid_dist")`；并且先减去训练数据的均值，让输入落在 0 附近。',
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)


class Standardise(nn.Module):
    def forward(self, x):
        mean = x.mean(1, keepdim=True)
        variance = (x * x).mean(1, keepdim=True) - mean * mean
        return (x - mean) / variance.clamp(min=1e-6).sqrt()


x = 1000 + 0.05 * torch.randn(2000, 1) + 0.05 * torch.randn(2000, 24).cumsum(1) * torch.rand(2000, 1)
y = (x[:, -1:] - x[:, :1] > 0).float()
model = nn.Sequential(Standardise(), nn.Linear(24, 32), nn.ReLU(), nn.Linear(32, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(10):
    for rows in torch.randperm(2000).split(50):
        loss = nn.functional.binary_cross_entropy_with_logits(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
print(loss.item())
""",
    good="""\
import torch
from torch import nn

torch.manual_seed(0)


class Standardise(nn.Module):
    def forward(self, x):
        mean = x.mean(1, keepdim=True)
        variance = (x - mean).square().mean(1, keepdim=True)
        return (x - mean) / variance.clamp(min=1e-6).sqrt()


x = 1000 + 0.05 * torch.randn(2000, 1) + 0.05 * torch.randn(2000, 24).cumsum(1) * torch.rand(2000, 1)
y = (x[:, -1:] - x[:, :1] > 0).float()
model = nn.Sequential(Standardise(), nn.Linear(24, 32), nn.ReLU(), nn.Linear(32, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(10):
    for rows in torch.randperm(2000).split(50):
        loss = nn.functional.binary_cross_entropy_with_logits(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
print(loss.item())
""",
    links=("https://docs.pytorch.org/docs/stable/notes/numerical_accuracy.html",),
    explains=("DAT002", "LOS007", "NUM001", "NUM010", "TRN001", "TRN003", "TRN004", "TRN006", "TRN007"),
    needs=("probes",),
)
