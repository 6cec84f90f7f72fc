"""MOD038: batch norm is given what a dropout has left, so that its statistics do not fit in eval mode."""

from __future__ import annotations

import math
from collections.abc import Iterator

from torchward.facts import ModeProbe
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

RATE = 0.1
SHARE = 0.85
"""Variance of the input over the running one. A dropout of rate p adds p / (1 - p) times the mean square, at least that times
the variance: at a rate of 0.2 a fifth is missing in eval mode, at 0.5 a half."""


def check(probe: ModeProbe) -> Iterator[Finding]:
    found = [one for one in probe.behind_dropout if one[2] >= RATE and math.isfinite(one[3]) and one[3] <= SHARE]
    if not found:
        return
    norm, dropout, rate, share = min(found, key=lambda one: one[3])
    yield Finding(
        "MOD038",
        data={
            "model": probe.model,
            "norm": norm,
            "dropout": dropout,
            "rate": rate,
            "share": share,
            "layers": len(found),
        },
        place=at(probe.site, module=norm),
        confidence=Confidence.LIKELY,
    )


RULE = Rule(
    code="MOD038",
    name="dropout-before-batch-norm",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "in `{model}`, batch norm `{norm}` is given what the dropout `{dropout}` ({rate}) has left ({layers} such layer(s)): "
        "in eval mode, where nothing is dropped, its input has {share:.0%} of the variance that its running statistics hold.",
        "在 `{model}` 中，批归一化 `{norm}` 的输入直接来自 dropout `{dropout}`（比率 {rate}，共 {layers} 处）："
        "eval 模式下不再丢弃，其输入方差只有运行统计量中的 {share:.0%}。",
    ),
    why=Text(
        "Zeros and the values that make up for them add variance in training, and the running statistics hold it. In eval mode "
        "everything is divided by too much, layer after layer, so that outputs are off although the weights are fine.",
        "训练时置零以及为此放大的数值增加了方差，运行统计量记录的正是它。到了 eval 模式，每一层都除以过大的数，"
        "于是权重没有问题，输出却有偏差。",
    ),
    fix=Text(
        "Put dropout behind the batch norm and its activation, or only before the last layer: "
        "`nn.Sequential(linear, norm, nn.ReLU(), nn.Dropout({rate}))`.",
        "把 dropout 放在批归一化及其激活之后，或只放在最后一层之前：`nn.Sequential(linear, norm, nn.ReLU(), nn.Dropout({rate}))`。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(1000, 12)
y = torch.sin(x[:, :3].sum(1, keepdim=True)) + x[:, 3:4]
model = nn.Sequential(
    nn.Linear(12, 64), nn.Dropout(0.4), nn.BatchNorm1d(64), nn.ReLU(),
    nn.Linear(64, 64), nn.Dropout(0.4), nn.BatchNorm1d(64), nn.ReLU(), nn.Linear(64, 1),
)
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(20):
    model.train()
    for rows in torch.randperm(800).split(40):
        loss = nn.functional.mse_loss(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        print(epoch, loss.item(), nn.functional.mse_loss(model(x[800:]), y[800:]).item())
""",
    good="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(1000, 12)
y = torch.sin(x[:, :3].sum(1, keepdim=True)) + x[:, 3:4]
model = nn.Sequential(
    nn.Linear(12, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Dropout(0.1),
    nn.Linear(64, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Dropout(0.1), nn.Linear(64, 1),
)
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(20):
    model.train()
    for rows in torch.randperm(800).split(40):
        loss = nn.functional.mse_loss(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        print(epoch, loss.item(), nn.functional.mse_loss(model(x[800:]), y[800:]).item())
""",
    links=("https://arxiv.org/abs/1801.05134",),
    explains=("MOD025", "TRN005"),
    needs=("probes",),
    preview=True,
)
