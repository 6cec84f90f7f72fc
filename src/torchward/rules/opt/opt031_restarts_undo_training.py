"""OPT031: each warm restart gives back what the cycle before it has learned."""

from __future__ import annotations

import math
from collections.abc import Iterator
from statistics import median

from torchward.facts import Run, Scheduler, Series, Training
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at
from torchward.rules._progress import longest

RESTARTS = 3
STEPS = 8
"""Optimizer steps of a cycle, at least: shorter ones cannot be told from noise."""
RISE = 2.0
GIVEN_BACK = 0.5
"""Share of the fall from the first loss to the end of the cycle before that is lost after the restart."""
MOST = 0.75
"""Share of the restarts of which this is so. Loshchilov & Hutter 2017 (figure 1) show rises that soon are made good."""
HIGH = 0.3
"""Of the highest rate, what is left at the end of a run that ends in the middle of a cycle."""
BETTER = 0.8
"""The ends of the last cycles against those of the first: with these, the restarts pay, and it is a hint at most."""


def check(run: Run) -> Iterator[Finding]:
    far = longest(run)
    if not run.ended or far is None:
        return
    for scheduler in run.schedulers:
        ends, after = _around(scheduler, far.stream.values, far.training.first_step)
        if len(after) < RESTARTS:
            continue
        lost = [
            late > RISE * end and late - end > GIVEN_BACK * (far.start - end)
            for end, late in zip(ends, after, strict=True)
        ]
        if sum(lost) < MOST * len(lost):
            continue
        part = max(1, len(ends) // 3)
        pays = median(ends[-part:]) < BETTER * median(ends[:part])
        yield Finding(
            "OPT031",
            data={
                "scheduler": scheduler.kind,
                "period": scheduler.period,
                "restarts": len(after),
                "last": round(_last(scheduler, far.training)),
                "end": far.training.last_step,
                "before": median(ends),
                "after": median(after),
                "start": far.start,
            },
            place=at(scheduler.site),
            confidence=Confidence.LIKELY,
            severity=Severity.HINT if pays else None,
        )


def check_end(run: Run) -> Iterator[Finding]:
    """The run ends soon after a restart, far above where the cycle before had ended."""
    far = longest(run)
    if not run.ended or far is None:
        return
    for scheduler in run.schedulers:
        cycle = _cycle(scheduler)
        if not cycle or (scheduler.final_lr_ratio or 0.0) < HIGH:
            continue
        losses, first, last = far.stream.values, far.training.first_step, far.training.last_step
        restart = _last(scheduler, far.training)
        if restart == first or last - restart < STEPS:
            continue
        before = losses.between(round(restart - max(3, cycle / 10)), round(restart) - 1).values
        now = losses.between(round((restart + last) / 2), last).values
        if not before or not now or not all(map(math.isfinite, (*before, *now))):
            continue
        if median(now) <= RISE * median(before):
            continue
        yield Finding(
            "OPT031",
            data={
                "scheduler": scheduler.kind,
                "period": scheduler.period,
                "restarts": 1,
                "last": round(restart),
                "end": last,
                "before": median(before),
                "after": median(now),
                "start": far.start,
            },
            place=at(scheduler.site, first=round(restart)),
            confidence=Confidence.POSSIBLE,  # the weights of the end of a cycle may have been kept
        )


def _last(scheduler: Scheduler, training: Training) -> float:
    """The step of the last restart."""
    cycle, first = _cycle(scheduler), training.first_step
    return first + cycle * ((training.last_step + 1 - first) // cycle) if cycle else first


def _cycle(scheduler: Scheduler) -> float:
    """Optimizer steps between two restarts; 0 if there are none, or they are too near."""
    if not scheduler.period or not scheduler.steps or not scheduler.optimizer_steps:
        return 0.0
    cycle = scheduler.period * scheduler.optimizer_steps / scheduler.steps
    return cycle if cycle >= STEPS else 0.0


def _around(scheduler: Scheduler, losses: Series, first: int) -> tuple[list[float], list[float]]:
    """Median losses of the last tenth of each cycle, and of the first third of the next."""
    cycle = _cycle(scheduler)
    if not cycle:
        return [], []
    ends, after = [], []
    restart = first + cycle
    while restart + cycle / 3 <= losses.steps[-1]:
        end = losses.between(round(restart - max(3, cycle / 10)), round(restart) - 1).values
        begun = losses.between(round(restart) + 1, round(restart + max(3, cycle / 3))).values
        if end and begun and all(map(math.isfinite, (*end, *begun))):
            ends.append(median(end))
            after.append(median(begun))
        restart += cycle
    return ends, after


RULE = Rule(
    code="OPT031",
    name="restarts-undo-training",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check, check_end),
    message=Text(
        "After {restarts} warm restart(s) of `{scheduler}` (every {period} of its steps; last at step {last}) the loss rose "
        "from {before} to {after}; it had begun at {start}, and the run ended at step {end}.",
        "`{scheduler}` 每 {period} 步热重启一次（最后一次在第 {last} 步），{restarts} 次重启后损失从 {before} 升到 {after}；"
        "训练开始时为 {start}，运行在第 {end} 步结束。",
    ),
    why=Text(
        "The rate jumps back to its first value. Where that is more than the weights can bear by then, each cycle"
        " learns the same again, and the training is as good as its last cycle alone.",
        "学习率会跳回初始值。如果此时的权重承受不了这么大的学习率，每个周期都在重学同样的内容，整个训练的效果只相"
        "当于最后一个周期。",
    ),
    fix=Text(
        "Make cycles of several epochs and growing (`T_0=10 * len(loader), T_mult=2`), lower the peak, or use "
        "`CosineAnnealingLR` with no restarts.",
        "让周期跨越多个 epoch 并逐步变长（`T_0=10 * len(loader), T_mult=2`"
        "），降低峰值学习率，或改用不重启的 `CosineAnnealingLR`。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(1200, 20)
y = (x @ torch.randn(20, 3)).argmax(1)
model = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 3))
optimizer = torch.optim.SGD(model.parameters(), lr=0.9, momentum=0.9)
scheduler = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, T_0=48)
for epoch in range(12):
    for rows in torch.randperm(1200).split(50):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()
    print(epoch, loss.item())
""",
    good="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(1200, 20)
y = (x @ torch.randn(20, 3)).argmax(1)
model = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 3))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
scheduler = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, T_0=48)
for epoch in range(12):
    for rows in torch.randperm(1200).split(50):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()
    print(epoch, loss.item())
""",
    links=(
        "https://arxiv.org/abs/1608.03983",
        "https://docs.pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.CosineAnnealingWarmRestarts.html",
    ),
    explains=("TRN*", "OPT007"),
    explained_by=("OPT011",),
    needs=("optimizer", "loss"),
    preview=True,
)
