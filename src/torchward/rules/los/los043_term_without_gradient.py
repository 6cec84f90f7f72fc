"""LOS043: the main term of the loss is computed from values without a graph; only what is added to it trains."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

STEPS = 5
"""Sampled steps."""


def check(run: Run) -> Iterator[Finding]:
    for loss in run.losses:
        if loss.added_without_graph < STEPS or 2 * loss.added_without_graph < run.samples:
            continue
        yield Finding(
            "LOS043",
            data={"loss": loss.kind, "samples": loss.added_without_graph},
            place=at(loss.site, loss.values),
            confidence=Confidence.LIKELY,
        )
        return
    for stream in run.streams:
        # Written by hand: no loss function is there to be seen.
        if stream.penalty_alone >= STEPS and 2 * stream.penalty_alone >= run.samples and run.models:
            yield Finding(
                "LOS043",
                data={"loss": "custom", "samples": stream.penalty_alone},
                place=at(stream.site, stream.values),
                confidence=Confidence.LIKELY,
            )
            return


RULE = Rule(
    code="LOS043",
    name="term-without-gradient",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "`{loss}` is part of the loss but is given values that are cut off from the model ({samples} steps looked at): "
        "only the other terms train.",
        "`{loss}` 是损失的一部分，但它得到的值已经与模型断开（查看了 {samples} 步）：真正参与训练的只有其余各项。",
    ),
    why=Text(
        "The sum still has a graph through its other terms (a penalty, a regulariser), so nothing fails. The term itself "
        "is a constant to the optimizer: it is shown and logged, and never made smaller on purpose.",
        "由于其他项（惩罚项、正则项）仍有计算图，程序不会报错。但对优化器来说，这一项只是常数：会显示、会记录，却不会被有意减小。",
    ),
    fix=Text(
        "Between the model and `{loss}`, take out what ends the graph: `.data`, `.detach()`, `.numpy()`, "
        "`torch.tensor(...)`, `no_grad`, `argmax`.",
        "在模型与 `{loss}` 之间，去掉使计算图中断的操作：`.data`、`.detach()`、`.numpy()`、`torch.tensor(...)`、`no_grad`、`argmax`。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(1200, 12)
y = (x @ torch.randn(12, 4)).argmax(1)
model = nn.Sequential(nn.Linear(12, 48), nn.ReLU(), nn.Linear(48, 4))
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(10):
    for rows in torch.randperm(1200).split(60):
        scores = model(x[rows])
        penalty = 1e-4 * sum(weight.square().sum() for weight in model.parameters())
        loss = nn.functional.cross_entropy(scores.detach(), y[rows]) + penalty
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    good="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(1200, 12)
y = (x @ torch.randn(12, 4)).argmax(1)
model = nn.Sequential(nn.Linear(12, 48), nn.ReLU(), nn.Linear(48, 4))
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(10):
    for rows in torch.randperm(1200).split(60):
        scores = model(x[rows])
        penalty = 1e-4 * sum(weight.square().sum() for weight in model.parameters())
        loss = nn.functional.cross_entropy(scores, y[rows]) + penalty
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    links=("https://docs.pytorch.org/docs/stable/generated/torch.Tensor.detach.html",),
    explains=("TRN*", "MOD003", "MOD010", "MOD011", "LOS006", "OPT014", "OPT051", "NUM003", "OPT008"),
    needs=("graph", "loss"),
    preview=True,
)
