"""NUM001: the loss became NaN or infinite."""

from __future__ import annotations

import math
from collections.abc import Iterator
from statistics import median

from torchward.facts import NonFinite, Run, Series
from torchward.rule import Finding, Rule, Severity, Text
from torchward.rules._at import at

RECOVERED = 20
"""Finite losses at the end after which the damage did not last: the step was skipped, or undone."""


CALM = 10.0
"""The loss before was no larger than so many times its median: the weights were not broken by growing."""


def _calm(found: NonFinite, values: Series) -> bool:
    before = [value for value in values.between(0, found.step - 1).values if math.isfinite(value)]
    return not before or max(before[-5:]) <= CALM * max(median(before), 1e-6)


def _origin(found: NonFinite, calm: bool) -> str:
    """Where it began, in names of the user's program: needs no translation."""
    if found.origin == "parameter":
        if found.steep_op and calm:
            where = f"{found.steep_module} -> {found.steep_op}" if found.steep_module else found.steep_op
            return f"`{where}` (backward)"
        return f"`{found.origin_name}`"
    if found.origin == "input":
        return "`input`"
    if found.origin_op:
        return f"`{found.module} -> {found.origin_op}`" if found.module else f"`{found.origin_op}`"
    return f"`{found.parameters[0]}`" if found.parameters else "?"


def check(run: Run) -> Iterator[Finding]:
    found = run.nonfinite
    if found is None:
        return
    stream = next((one for one in run.streams if one.index == found.stream), None)
    after = list(stream.values.between(found.step, run.steps).values) if stream is not None else []
    broken = sum(1 for value in after if not math.isfinite(value))
    lasting = len(after) < RECOVERED or not all(map(math.isfinite, after[-RECOVERED:]))
    last = stream.values.steps[-1] if lasting and stream is not None and len(stream.values) else found.step
    calm = stream is not None and _calm(found, stream.values)
    steep = bool(found.origin == "parameter" and found.steep_op and calm)
    line = found.line if steep or found.origin != "parameter" else None
    site = line or found.site or (stream.site if stream is not None else None)
    yield Finding(
        "NUM001",
        data={
            "step": found.step,
            "value": found.value,
            "last": found.last_finite_loss if found.last_finite_loss is not None else "-",
            "origin": _origin(found, calm),
            "detail": "slope" if steep else found.origin_name if found.origin == "operation" else found.origin,
            "parameters": found.parameters[:8],
            "broken_steps": broken,
        },
        place=at(
            site,
            Series((found.step, last), (0.0, 0.0)),
            module=found.steep_module if steep else found.module,
            parameter=found.origin_name if found.origin == "parameter" and not steep else "",
        ),
        severity=None if lasting else Severity.WARNING,
    )


RULE = Rule(
    code="NUM001",
    name="loss-not-finite",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "The loss is {value} at step {step} (last finite value: {last}); the damage first shows in {origin}.",
        "第 {step} 步的损失为 {value}（此前最后一个有限值：{last}）；异常最早出现在 {origin}。",
    ),
    why=Text(
        "A loss that is not finite gives gradients that are not finite. Unless that step was skipped, the optimizer "
        "has "
        "written them into the weights, and no later step can repair those.",
        "损失非有限时，梯度也非有限。除非跳过了这一步，否则优化器已把它们写入权重，之后的任何一步都无法修复。",
    ),
    fix=Text(
        "Make {origin} safe: keep arguments of `log`, `sqrt` and divisions away from 0 "
        "(`torch.log(x.clamp(min=1e-8))`, "
        "`x / (y + 1e-8)`), or use losses that take raw scores; if weights went first, lower the learning rate and "
        "call "
        "`clip_grad_norm_` before `optimizer.step()`; if the input did, clean the data. Then start again from before "
        "step {step}.",
        "修正 {origin}：让 `log`、`sqrt` 和除法的参数远离 0（`torch.log(x.clamp(min=1e-8))`、`x / (y + 1e-8)`），"
        "或使用接收原始分数的损失函数；若是权重先出问题，调低学习率并在 `optimizer.step()` 之前调用 `clip_grad_norm_`；"
        "若是输入，先清洗数据。然后从第 {step} 步之前重新开始。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(600, 10)
y = (x[:, :1] * x[:, 1:2] > 0).float()

net = nn.Sequential(nn.Linear(10, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1), nn.Sigmoid())
optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
for epoch in range(60):
    for i in range(0, 600, 100):
        p = net(x[i : i + 100])
        t = y[i : i + 100]
        loss = -(t * torch.log(p - 1e-3) + (1 - t) * torch.log(1 - p)).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    if epoch % 10 == 0:
        print(epoch, loss.item())
""",
    good="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(600, 10)
y = (x[:, :1] * x[:, 1:2] > 0).float()

net = nn.Sequential(nn.Linear(10, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1))
optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
for epoch in range(60):
    for i in range(0, 600, 100):
        p = net(x[i : i + 100])
        t = y[i : i + 100]
        loss = nn.functional.binary_cross_entropy_with_logits(p, t)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    if epoch % 10 == 0:
        print(epoch, loss.item())
""",
    links=(
        "https://docs.pytorch.org/docs/stable/autograd.html#anomaly-detection",
        "https://docs.pytorch.org/docs/stable/notes/numerical_accuracy.html",
    ),
    explains=("TRN001", "TRN002", "TRN003"),
)
