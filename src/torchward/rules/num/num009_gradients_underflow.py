"""NUM009: gradients that float16 rounds to zero, because nothing scales the loss."""

from __future__ import annotations

import math
from collections.abc import Iterator
from statistics import median

from torchward.facts import Run
from torchward.rule import Finding, Rule, Severity, Text
from torchward.rules._at import at

SAMPLES = 5
LOST = 0.3
"""Share of the elements of a typical weight's gradient that are exactly 0, ..."""
TINY = 0.9
"""... while nearly all others are below float16's normal numbers. Dead units and rare inputs also give zeros, but leave
the other elements at their size."""


def check(run: Run) -> Iterator[Finding]:
    for optimizer in run.optimizers:
        if optimizer.step_scaled:
            continue
        held = [
            parameter
            for parameter in run.parameters
            if optimizer.index in parameter.optimizers and len(parameter.lost_gradient) >= SAMPLES
        ]
        lost = {one.name: median(filter(math.isfinite, one.lost_gradient.values)) for one in held}
        tiny = {one.name: median(filter(math.isfinite, one.tiny_gradient.values)) for one in held}
        struck = [one for one in held if lost[one.name] >= LOST and tiny[one.name] >= TINY]
        if not struck:
            continue
        worst = max(struck, key=lambda one: lost[one.name])
        yield Finding(
            "NUM009",
            data={
                "optimizer": optimizer.kind,
                "count": len(struck),
                "parameters": tuple(one.name for one in struck[:8]),
                "lost": median(lost[one.name] for one in struck),
                "tiny": median(tiny[one.name] for one in struck),
            },
            place=at(optimizer.site or optimizer.made, worst.lost_gradient, worst.module, worst.name),
            severity=None if 2 * len(struck) >= len(held) else Severity.WARNING,
        )


RULE = Rule(
    code="NUM009",
    name="gradients-underflow",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "Under float16 autocast without a `GradScaler`, {lost:.0%} of the gradient elements that `{optimizer}` is given "
        "are exactly 0 and {tiny:.0%} are below float16's normal numbers ({count} weight(s): {parameters}).",
        "使用 float16 autocast 而没有 `GradScaler`：传给 `{optimizer}` 的梯度元素中有 {lost:.0%} 恰为 0，"
        "{tiny:.0%} 低于 float16 的正规数（{count} 个权重：{parameters}）。",
    ),
    why=Text(
        "Numbers below 6e-8 are 0 in float16, and below 6e-5 they lose their digits. Gradients are often that small: "
        "what is rounded away is never learned.",
        "float16 中小于 6e-8 的数会变成 0，小于 6e-5 的数会丢失有效位。梯度常常这么小：被舍入掉的部分永远学不到。",
    ),
    fix=Text(
        "Scale the loss: `scaler = torch.amp.GradScaler(device)`, then `scaler.scale(loss).backward()`, "
        "`scaler.step(optimizer)`, `scaler.update()`; or use `dtype=torch.bfloat16`, whose range is that of float32.",
        "缩放损失：`scaler = torch.amp.GradScaler(device)`，然后 `scaler.scale(loss).backward()`、`scaler.step(optimizer)`、"
        "`scaler.update()`；或使用 `dtype=torch.bfloat16`，其数值范围与 float32 相同。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(1600, 32)
y = torch.tanh(x @ torch.randn(32, 8)) * 1e-3
model = nn.Sequential(nn.Linear(32, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 8))
nn.init.normal_(model[4].weight, std=1e-3)
nn.init.zeros_(model[4].bias)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(10):
    for rows in torch.randperm(1600).split(100):
        with torch.autocast("cpu", dtype=torch.float16):
            loss = nn.functional.mse_loss(model(x[rows]).float(), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    good="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(1600, 32)
y = torch.tanh(x @ torch.randn(32, 8))
model = nn.Sequential(nn.Linear(32, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 8))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
scaler = torch.amp.GradScaler("cpu")
for epoch in range(10):
    for rows in torch.randperm(1600).split(100):
        with torch.autocast("cpu", dtype=torch.float16):
            loss = nn.functional.mse_loss(model(x[rows]).float(), y[rows])
        optimizer.zero_grad()
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()
    print(epoch, loss.item())
""",
    links=("https://docs.pytorch.org/docs/stable/amp.html#gradient-scaling", "https://arxiv.org/abs/1710.03740"),
    explains=("TRN*", "OPT008", "NUM003", "MOD011"),
    needs=("parameters", "graph"),
    preview=True,
)
