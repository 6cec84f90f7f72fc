"""NUM011: single precision does not hold the digits that a model works with."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from torchward.facts import ModeProbe, Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

LOST = 0.01
"""In deviations of the output. Rounding of float32 leaves 1e-6 in shallow and 1e-4 in deep models."""
LEFT = 1e-5
"""Of a number, the difference whose share among all is seen; float32 knows it to a hundredth of itself."""
SHARE = 0.25
"""Of the values of a difference, that are so small; the distances of points to themselves are 0 and fewer."""
PASSES, MOST = 3, 0.5
"""Sampled passes with such a share, and their part of those with this difference."""


def check(probe: ModeProbe) -> Iterator[Finding]:
    if probe.digits_lost >= LOST:
        yield Finding(
            "NUM011",
            data={
                "model": probe.model,
                "where": probe.digits_in or "forward",
                "measured": f"|float32 - float64| = {probe.digits_lost:.3g} std",
            },
            place=at(probe.site, module=probe.digits_in),
            confidence=Confidence.LIKELY,
        )


def check_loss(run: Run) -> Iterator[Finding]:
    for stream in run.streams:
        for operation, shares in stream.cancelled.items():
            lost = [share for share in shares.values if share >= SHARE]
            if len(lost) >= PASSES and len(lost) >= MOST * len(shares):
                yield Finding(
                    "NUM011",
                    data={
                        "model": "loss",
                        "where": operation,
                        "measured": f"|a - b| < {LEFT:g} |a|: {median(lost):.0%}",
                    },
                    place=at(stream.site, shares),
                    confidence=Confidence.LIKELY,
                )


RULE = Rule(
    code="NUM011",
    name="digits-cancelled",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check, check_loss),
    message=Text(
        "`{where}` in `{model}` works with a small difference of large numbers, of which float32 keeps no digits: {measured}.",
        "`{model}` 中的 `{where}` 用到了两个大数的微小差值，float32 已保留不了它的有效数字：{measured}。",
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
    explains=("DAT002", "LOS007", "NUM001", "NUM002", "NUM010", "TRN001", "TRN003", "TRN004", "TRN006", "TRN007"),
    needs=("probes",),
)
