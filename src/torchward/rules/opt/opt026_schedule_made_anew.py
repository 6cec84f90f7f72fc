"""OPT026: a schedule that is made anew in each epoch, and never gets beyond its beginning."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from torchward.facts import Run, Scheduler, Site
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at
from torchward.rules.opt._schedules import own_schedulers

TIMES = 4
PART = 0.5
"""Share of its length that none of them reached. Restarts on purpose (SGDR, 2017) come at the end of a cycle."""


def check(run: Run) -> Iterator[Finding]:
    groups: dict[tuple[Site | None, str, int | None], list[Scheduler]] = defaultdict(list)
    for scheduler in own_schedulers(run):
        if scheduler.kind != "ReduceLROnPlateau" and scheduler.steps:
            groups[scheduler.site, scheduler.kind, scheduler.optimizer].append(scheduler)
    for (site, kind, _), found in groups.items():
        most = max(one.steps for one in found)
        length = max((one.length or one.step_size or 0 for one in found), default=0)
        if (
            len(found) < TIMES
            or site is None
            or not (most == 1 or (most <= PART * length if length else _began(found)))
        ):
            continue
        yield Finding(
            "OPT026",
            {"scheduler": kind, "times": len(found), "steps": most, "length": length},
            at(site),
            Confidence.CERTAIN if most == 1 else Confidence.LIKELY,
        )


def _began(schedulers: list[Scheduler]) -> bool:
    """Schedules whose length cannot be told: none came up to the planned rate, or down from it by a half."""
    return all(
        (one.highest_factor is not None and one.highest_factor <= PART)
        or (one.final_lr_ratio is not None and PART <= one.final_lr_ratio < 1)
        for one in schedulers
    )


RULE = Rule(
    code="OPT026",
    name="schedule-made-anew",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "`{scheduler}` was made {times} times at this line for the same optimizer, and none got further than its step "
        "{steps}.",
        "这一行为同一个优化器创建了 {times} 次 `{scheduler}`，每一个最多只走到第 {steps} 步。",
    ),
    why=Text(
        "Each new scheduler begins at step 0 of its plan: the learning rate hovers about its start, and the later part of "
        "the schedule is never reached.",
        "每个新的调度器都从计划的第 0 步开始：学习率一直在起点附近徘徊，永远到不了调度的后半段。",
    ),
    fix=Text(
        "Make `{scheduler}` once, before the epochs, and only call its `step()` in the loop.",
        "在所有 epoch 之前只创建一次 `{scheduler}`，循环里只调用它的 `step()`。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(800, 10)
y = (x @ torch.randn(10, 4)).argmax(1)
model = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 4))
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)


def train(epoch):
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=3, gamma=0.3)
    for rows in torch.randperm(800).split(50):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    scheduler.step()
    print(epoch, loss.item())


for epoch in range(12):
    train(epoch)
""",
    good="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(800, 10)
y = (x @ torch.randn(10, 4)).argmax(1)
model = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 4))
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=3, gamma=0.3)


def train(epoch):
    for rows in torch.randperm(800).split(50):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    scheduler.step()
    print(epoch, loss.item())


for epoch in range(12):
    train(epoch)
""",
    links=("https://docs.pytorch.org/docs/stable/optim.html#how-to-adjust-learning-rate",),
    explains=("OPT008", "OPT009", "OPT019", "TRN*"),
    needs=("optimizer",),
)
