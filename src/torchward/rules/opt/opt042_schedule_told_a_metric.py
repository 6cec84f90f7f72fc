"""OPT042: a schedule that counts epochs is told a metric, and takes it for the number of the epoch."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise

from torchward.facts import Run
from torchward.rule import Finding, Rule, Severity, Text
from torchward.rules._at import at

TOLD = 3
"""Numbers that it was told, at least."""
PARTS_OF_EPOCHS = ("CosineAnnealingWarmRestarts", "OneCycleLR", "CyclicLR")
"""May be told parts of an epoch."""


def check(run: Run) -> Iterator[Finding]:
    for scheduler in run.schedulers:
        told = [one for one in scheduler.told_epochs if math.isfinite(one)]
        if scheduler.kind in PARTS_OF_EPOCHS or len(told) < TOLD or all(one == int(one) for one in told):
            continue
        if all(later >= one for one, later in pairwise(told)):
            continue  # parts of epochs, one after the other
        yield Finding(
            "OPT042",
            data={"scheduler": scheduler.kind, "values": tuple(told[:4]), "times": len(told)},
            place=at(scheduler.step_site or scheduler.site),
        )
        return


RULE = Rule(
    code="OPT042",
    name="schedule-told-a-metric",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "`{scheduler}.step` is given {values} (and so on, {times} times), and takes them for numbers of epochs.",
        "传给 `{scheduler}.step` 的是 {values} 等数值（共 {times} 次），而它把这些数当作轮次编号。",
    ),
    why=Text(
        "Only `ReduceLROnPlateau.step` takes a metric. All other schedules take the argument for the epoch to jump to, so a loss "
        "of 0.4 sends them back to their beginning each time: the learning rate never follows the plan.",
        "只有 `ReduceLROnPlateau.step` 接受指标。其他调度器把该参数当作要跳到的轮次，因此 0.4 的损失每次都把它们送回起点："
        "学习率永远不会按计划变化。",
    ),
    fix=Text(
        "Call `scheduler.step()` without an argument, or use `ReduceLROnPlateau` where the rate is to follow the metric.",
        "调用 `scheduler.step()` 时不要带参数；若希望学习率跟随指标变化，请使用 `ReduceLROnPlateau`。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(1000, 6)
y = torch.tanh(x @ torch.randn(6, 1) / 2) + 0.1 * torch.randn(1000, 1)
model = nn.Sequential(nn.Linear(6, 64), nn.ReLU(), nn.Linear(64, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9)
schedule = torch.optim.lr_scheduler.StepLR(optimizer, step_size=4, gamma=0.2)
for epoch in range(14):
    for rows in torch.randperm(800).split(40):
        loss = nn.functional.mse_loss(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        held_out = nn.functional.mse_loss(model(x[800:]), y[800:]).item()
    schedule.step(held_out)
    print(epoch, held_out, optimizer.param_groups[0]["lr"])
""",
    good="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(1000, 6)
y = torch.tanh(x @ torch.randn(6, 1) / 2) + 0.1 * torch.randn(1000, 1)
model = nn.Sequential(nn.Linear(6, 64), nn.ReLU(), nn.Linear(64, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9)
schedule = torch.optim.lr_scheduler.StepLR(optimizer, step_size=4, gamma=0.2)
for epoch in range(14):
    for rows in torch.randperm(800).split(40):
        loss = nn.functional.mse_loss(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        held_out = nn.functional.mse_loss(model(x[800:]), y[800:]).item()
    schedule.step()
    print(epoch, held_out, optimizer.param_groups[0]["lr"])
""",
    links=("https://docs.pytorch.org/docs/stable/optim.html#how-to-adjust-learning-rate",),
    explains=("OPT009", "OPT032"),
    needs=("optimizer",),
    preview=True,
)
