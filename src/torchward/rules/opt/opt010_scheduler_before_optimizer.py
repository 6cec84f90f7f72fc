"""OPT010: the schedule moves before the optimizer has used its rate."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run, Scheduler
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at
from torchward.rules.opt._schedules import own_schedulers

CYCLES = 4
"""Sampled steps at which the schedule must have moved between the backward pass and the optimizer's step."""
SHARE = 0.8
"""... of all those at which it moved."""


def check(run: Run) -> Iterator[Finding]:
    for scheduler in own_schedulers(run):
        optimizer = next((one for one in run.optimizers if one.index == scheduler.optimizer), None)
        if optimizer is None or optimizer.step_scaled or not scheduler.optimizer_steps:
            continue  # a GradScaler skips its first steps on purpose
        moved, early = _cycles(run, scheduler)
        each_batch = early >= CYCLES and early >= SHARE * moved
        # Exactly once before the first step, then on and on: at the top of a loop. More often before it is how a
        # resumed run finds its place in the schedule; more often than the optimizer, how some count micro-batches.
        at_top = scheduler.steps_before_optimizer == 1 and 2 <= scheduler.steps <= 1.5 * scheduler.optimizer_steps
        if not (each_batch or at_top):
            continue
        yield Finding(
            "OPT010",
            {
                "scheduler": scheduler.kind,
                "optimizer": optimizer.kind,
                "steps": scheduler.steps,
                "early": early if each_batch else scheduler.steps_before_optimizer,
            },
            at(scheduler.step_site or scheduler.site),
            Confidence.CERTAIN if each_batch else Confidence.LIKELY,
        )


def _cycles(run: Run, scheduler: Scheduler) -> tuple[int, int]:
    """Sampled steps at which the schedule moved once, and those of them where that was before the optimizer's step."""
    moved = early = 0
    for cycle in run.cycles:
        names = list(cycle.events)
        mine = [n for n, event in enumerate(names) if event == ("schedule", scheduler.index)]
        passes = [n for n, (name, _) in enumerate(names) if name == "backward"]
        steps = [n for n, event in enumerate(names) if event == ("step", scheduler.optimizer)]
        if len(mine) != 1 or not passes or not steps:
            continue
        moved += 1
        early += passes[-1] < mine[0] < steps[-1]
    return moved, early


RULE = Rule(
    code="OPT010",
    name="scheduler-before-optimizer",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "`{scheduler}.step()` comes before the step of the {optimizer} that should use its rate ({early} time(s) seen, "
        "{steps} scheduler steps in all).",
        "`{scheduler}.step()` 先于应当使用该学习率的 {optimizer} 更新（观察到 {early} 次，调度器共走了 {steps} 步）。",
    ),
    why=Text(
        "The first value of the schedule is skipped and every later one comes a step early: the peak of a warm-up, the "
        "milestones and the end all shift.",
        "调度的第一个值被跳过，之后每个值都提前一步：预热的峰值、各个里程碑和终点都会错位。",
    ),
    fix=Text(
        "Step the optimizer first:\n    optimizer.step()\n    scheduler.step()\nA schedule in epochs belongs at the "
        "end of "
        "the epoch loop, not at its top.",
        "先更新优化器：\n    optimizer.step()\n    scheduler.step()\n以 epoch 为单位的调度应放在 epoch 循环的末尾，"
        "而不是开头。",
    ),
    bad="""\
import torch
from torch import nn
from torch.optim.lr_scheduler import StepLR
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
inputs = torch.randn(800, 10)
labels = (inputs @ torch.randn(10, 4)).argmax(1)
loader = DataLoader(TensorDataset(inputs, labels), batch_size=40, shuffle=True)
model = nn.Sequential(nn.Linear(10, 40), nn.ReLU(), nn.Linear(40, 4))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
scheduler = StepLR(optimizer, step_size=4, gamma=0.5)

for epoch in range(10):
    scheduler.step()
    for x, y in loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
    print(epoch, optimizer.param_groups[0]["lr"], loss.item())
""",
    good="""\
import torch
from torch import nn
from torch.optim.lr_scheduler import StepLR
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
inputs = torch.randn(800, 10)
labels = (inputs @ torch.randn(10, 4)).argmax(1)
loader = DataLoader(TensorDataset(inputs, labels), batch_size=40, shuffle=True)
model = nn.Sequential(nn.Linear(10, 40), nn.ReLU(), nn.Linear(40, 4))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
scheduler = StepLR(optimizer, step_size=4, gamma=0.5)

for epoch in range(10):
    for x, y in loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
    scheduler.step()
    print(epoch, optimizer.param_groups[0]["lr"], loss.item())
""",
    links=("https://docs.pytorch.org/docs/stable/optim.html#how-to-adjust-learning-rate",),
    needs=("optimizer",),
)
