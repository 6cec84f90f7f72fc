"""OPT039: the learning rate is warmed up again and again, as where a schedule counts the steps of an epoch."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from itertools import pairwise

from torchward.facts import Run, Series
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

RISES = 3.0
"""Times the rate at its start that it rises to within a period. Schedules that restart on purpose fall within a period and
jump up (Loshchilov & Hutter 2017); triangles (Smith 2017) come down as slowly as they went up."""
DROP = 0.5
"""Share of the rate before, or less, to which it falls from one sample to the next where a period ends."""
FIRST, AFTER = 8, 10
"""Samples in the first period, and after it."""
PERIODS = 3
ALIKE = 0.05
"""Difference of a rate from that at the same place of the first period, as a share of the highest."""
MOST = 0.9
"""Share of the samples that must be so alike."""


def check(run: Run) -> Iterator[Finding]:
    for optimizer in run.optimizers:
        period = _period(optimizer.lr)
        if not period or optimizer.lr.steps[-1] - optimizer.lr.steps[0] < PERIODS * period:
            continue
        yield Finding(
            "OPT039",
            data={
                "optimizer": optimizer.kind,
                "period": period,
                "low": optimizer.lr.values[0],
                "high": max(optimizer.lr.values),
                "times": (optimizer.last_step + 1 - optimizer.first_step) // period,
                "steps": optimizer.steps,
            },
            place=at(optimizer.site or optimizer.made, optimizer.lr),
            confidence=Confidence.LIKELY,
        )


def _period(rates: Series) -> int | None:
    """Steps after which a rising rate begins anew, if all that follows repeats the first such stretch."""
    steps, values = list(rates.steps), list(rates.values)
    end = next((place for place in range(1, len(values)) if values[place] < DROP * values[place - 1]), None)
    if end is None or end < FIRST or len(values) - end < AFTER or values[0] <= 0:
        return None
    if any(later < before for before, later in pairwise(values[:end])):
        return None
    if values[end - 1] < RISES * values[0]:
        return None
    first = steps[0]
    places = [step - first for step in steps[:end]]
    for period in range(steps[end - 1] - first + 1, steps[end] - first + 1):
        missed = [
            abs(value - _at(places, values, (step - first) % period))
            for step, value in zip(steps[end:], values[end:], strict=True)
            if (step - first) % period <= places[-1]
        ]
        alike = sum(one <= ALIKE * values[end - 1] for one in missed)
        if len(missed) >= AFTER // 2 and alike >= MOST * len(missed):
            return period
    return None


def _at(places: list[int], values: list[float], place: int) -> float:
    """The rate at this place of the first period, between its samples."""
    right = min(bisect_right(places, place), len(places) - 1)
    left = max(0, right - 1)
    width = places[right] - places[left]
    part = (place - places[left]) / width if width else 0.0
    return values[left] + part * (values[right] - values[left])


RULE = Rule(
    code="OPT039",
    name="warm-up-begins-anew",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "the learning rate of `{optimizer}` rises from {low} to {high} within {period} steps, falls back and rises again: "
        "{times} times in {steps} steps, and it never comes down slowly.",
        "`{optimizer}` 的学习率在 {period} 步内从 {low} 升到 {high}，随即跌回并重新上升：{steps} 步中共 {times} 次，从未缓慢下降。",
    ),
    why=Text(
        "A warm-up is for the first steps of a training. Begun anew in each epoch, because the schedule is asked for the step "
        "within the epoch or made anew there, it spends most of the time at low rates, ends each epoch at the highest, and the "
        "decay that was planned is never reached.",
        "预热只用于训练的最初几步。如果因为调度按轮内步数计算、或每轮都重新创建而在每一轮重新开始，大部分时间学习率都很低，"
        "每轮结束时却最高，计划中的衰减永远不会到来。",
    ),
    fix=Text(
        "Count the steps over all epochs (`step = epoch * len(loader) + batch`), or make the scheduler once, before the first "
        "epoch, and step it behind `optimizer.step()`.",
        "跨所有轮累计步数（`step = epoch * len(loader) + batch`），或在第一轮之前只创建一次调度器，并在 `optimizer.step()` 之后调用它。",
    ),
    bad="""\
import math

import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(1600, 20)
y = torch.tanh(x @ torch.randn(20, 3) / 5)
model = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 3))
optimizer = torch.optim.SGD(model.parameters(), lr=0.3, momentum=0.9)
EPOCHS, BATCH = 12, 25
total = EPOCHS * 1600 // BATCH
warm = total // 10


def rate(step):
    if step < warm:
        return 0.3 * (step + 1) / warm
    return 0.15 * (1 + math.cos(math.pi * (step - warm) / (total - warm)))


for epoch in range(EPOCHS):
    for step, rows in enumerate(torch.randperm(1600).split(BATCH)):
        optimizer.param_groups[0]["lr"] = rate(step)
        loss = nn.functional.mse_loss(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item(), optimizer.param_groups[0]["lr"])
""",
    good="""\
import math

import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(1600, 20)
y = torch.tanh(x @ torch.randn(20, 3) / 5)
model = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 3))
optimizer = torch.optim.SGD(model.parameters(), lr=0.3, momentum=0.9)
EPOCHS, BATCH = 12, 25
total = EPOCHS * 1600 // BATCH
warm = total // 10


def rate(step):
    if step < warm:
        return 0.3 * (step + 1) / warm
    return 0.15 * (1 + math.cos(math.pi * (step - warm) / (total - warm)))


for epoch in range(EPOCHS):
    for step, rows in enumerate(torch.randperm(1600).split(BATCH)):
        optimizer.param_groups[0]["lr"] = rate(epoch * 1600 // BATCH + step)
        loss = nn.functional.mse_loss(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item(), optimizer.param_groups[0]["lr"])
""",
    links=("https://arxiv.org/abs/1706.02677",),
    explains=("OPT018", "TRN001"),
    explained_by=("OPT026", "OPT032"),
    needs=("optimizer",),
    preview=True,
)
