"""OPT032: something else sets the learning rate after the scheduler has."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

SAMPLES = 8
SHARE = 0.3
"""Of the samples in the second half of the training. A warm-up by hand before a schedule is over by then."""


def check(run: Run) -> Iterator[Finding]:
    if not run.ended:
        return
    for optimizer in run.optimizers:
        middle = (optimizer.first_step + optimizer.last_step) // 2
        late = optimizer.overwritten.between(middle, optimizer.last_step)
        scheduler = next((one for one in run.schedulers if one.optimizer == optimizer.index), None)
        if scheduler is None or len(optimizer.overwritten) < SAMPLES or len(late) < SAMPLES // 2:
            continue
        if sum(late.values) < SHARE * len(late):
            continue
        rates = optimizer.lr.between(middle, optimizer.last_step)
        yield Finding(
            "OPT032",
            data={
                "scheduler": scheduler.kind,
                "optimizer": optimizer.kind,
                "times": int(sum(late.values)),
                "samples": len(late),
                "low": min(rates.values, default=None),
                "high": max(rates.values, default=None),
            },
            place=at(scheduler.step_site or scheduler.site, late),
            confidence=Confidence.LIKELY,
        )


RULE = Rule(
    code="OPT032",
    name="schedule-overwritten",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "At {times} of {samples} sampled steps in the second half of the training the learning rate of "
        "`{optimizer}` was not the one that `{scheduler}` had set (it was {low} to {high}).",
        "训练后半段的 {samples} 个采样步中，有 {times} 步 `{optimizer}` 的学习"
        "率不是 `{scheduler}` 设定的值（实际为 {low} 到 {high}）。",
    ),
    why=Text(
        'Somebody writes `group["lr"]` after the scheduler\'s step, or loads an old state. Most schedulers go on '
        "from the rate that they find, so the plan is not merely interrupted: it is lost.",
        '有代码在调度器之后又写了 `group["lr"]`，或载入了旧状态。多数调度器从当前学习率继续计算，所'
        "以原计划不只是被打断，而是丢失了。",
    ),
    fix=Text(
        "Set the rate in one place: leave it to the scheduler, and build a warm-up into it "
        "(`SequentialLR([LinearLR(...), CosineAnnealingLR(...)], milestones=[n])`).",
        "只在一处设置学习率：交给调度器，并把预热也写进去（`SequentialLR([LinearLR(..."
        "), CosineAnnealingLR(...)], milestones=[n])`）。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(1200, 20)
y = (x @ torch.randn(20, 3)).argmax(1)
model = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 3))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.7)
for epoch in range(12):
    for group in optimizer.param_groups:
        group["lr"] = 0.1
    for rows in torch.randperm(1200).split(50):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    scheduler.step()
    print(epoch, loss.item(), optimizer.param_groups[0]["lr"])
""",
    good="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(1200, 20)
y = (x @ torch.randn(20, 3)).argmax(1)
model = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 3))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.7)
for epoch in range(12):
    for rows in torch.randperm(1200).split(50):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    scheduler.step()
    print(epoch, loss.item(), optimizer.param_groups[0]["lr"])
""",
    links=("https://docs.pytorch.org/docs/stable/optim.html#how-to-adjust-learning-rate",),
    explains=("OPT018", "OPT019", "TRN*"),
    explained_by=("OPT026",),
    needs=("optimizer",),
    preview=True,
)
