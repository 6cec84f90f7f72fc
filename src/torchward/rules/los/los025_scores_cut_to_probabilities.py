"""LOS025: the logarithm is taken of raw scores that are merely cut off at the bounds of a probability."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import fmean

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

SAMPLES = 6
OUTSIDE = 0.05
"""Mean share of the values beyond 0 or 1 in the later half of the samples. Rounding of real probabilities leaves none;
standard normal scores are outside by two thirds, and what is learned from the rest brings some of them back."""
REACH = 1.05
"""How far from 0 they go, where it is not a layer that made them: cosines, which some cut off at 0 on purpose, stay
within 1."""


def check(run: Run) -> Iterator[Finding]:
    for cut in run.cuts:
        shares = cut.outside.values[len(cut.outside) // 2 :]
        if len(cut.outside) < SAMPLES or fmean(shares) < OUTSIDE:
            continue
        least, most = min(cut.least.values), max(cut.most.values)
        if not cut.raw and max(-least, most) <= REACH:
            continue
        yield Finding(
            "LOS025",
            data={
                "least": least,
                "most": most,
                "low": cut.bounds[0],
                "high": cut.bounds[1],
                "outside": fmean(shares),
                "last": shares[-1],
                "layer": cut.module or "?",
                "samples": len(cut.outside),
            },
            place=at(cut.site, cut.outside, module=cut.module),
            confidence=Confidence.CERTAIN,
        )


RULE = Rule(
    code="LOS025",
    name="scores-cut-to-probabilities",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "The loss cuts values from {least} to {most} (of `{layer}`) off at {low} and {high} and takes their logarithm as if "
        "they were probabilities: {outside:.0%} of them lie outside of 0 to 1.",
        "损失把 `{layer}` 给出的 {least} 到 {most} 之间的值截断到 {low} 与 {high} 之间，再当作概率取对数：其中 {outside:.0%} 不在 0 到 1 之内。",
    ),
    why=Text(
        "Where a value is cut off its gradient is 0: an example whose score lies outside is never learned from, however "
        "wrong it is. Cutting off guards the logarithm against rounding; it does not make a probability of a raw score.",
        "被截断处的梯度为 0：得分落在范围之外的样本，无论错得多离谱都学不到东西。截断只是防止对数遇到舍入误差，并不能把原始得分变成概率。",
    ),
    fix=Text(
        "Squash first: `p = torch.sigmoid(scores).clamp(1e-6, 1 - 1e-6)`, or better `F.logsigmoid(scores)` for log(p) and "
        "`F.logsigmoid(-scores)` for log(1 - p), which need no clamp.",
        "先压缩到 0 与 1 之间：`p = torch.sigmoid(scores).clamp(1e-6, 1 - 1e-6)`；更好的办法是用 `F.logsigmoid(scores)` 表示 log(p)、"
        "`F.logsigmoid(-scores)` 表示 log(1 - p)，这样不需要截断。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(1200, 8)
y = (x[:, 0] + x[:, 1] * x[:, 2] > 0.3).float()
model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(10):
    for rows in torch.randperm(1200).split(60):
        p = model(x[rows]).squeeze(1).clamp(1e-6, 1 - 1e-6)
        loss = -(y[rows] * torch.log(p) + (1 - y[rows]) * torch.log(1 - p)).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    good="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(1200, 8)
y = (x[:, 0] + x[:, 1] * x[:, 2] > 0.3).float()
model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(10):
    for rows in torch.randperm(1200).split(60):
        p = torch.sigmoid(model(x[rows]).squeeze(1)).clamp(1e-6, 1 - 1e-6)
        loss = -(y[rows] * torch.log(p) + (1 - y[rows]) * torch.log(1 - p)).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    links=(
        "https://docs.pytorch.org/docs/stable/generated/torch.clamp.html",
        "https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.logsigmoid.html",
    ),
    explains=("MOD002", "MOD011", "TRN*"),
    needs=("graph",),
)
