"""OPT009: a learning rate schedule that was made and never advanced."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at
from torchward.rules.opt._schedules import own_schedulers

STEPS = 50
"""Steps of its optimizer after which a schedule should have moved once, if nothing is known of epochs."""
EPOCHS = 2
"""Passes over the data begun: by then a schedule that moves once per epoch has moved."""


def check(run: Run) -> Iterator[Finding]:
    if not run.ended:
        return
    for scheduler in own_schedulers(run):
        if scheduler.steps or scheduler.optimizer_steps < STEPS:
            continue
        if (
            scheduler.loader_batches
            and scheduler.epochs < EPOCHS
            and scheduler.optimizer_steps < scheduler.loader_batches
        ):
            continue
        ratio = scheduler.final_lr_ratio
        if ratio is None or abs(ratio - 1) > 1e-6:
            continue  # something else moves the rate, perhaps the schedule itself in a way that was not seen
        rates = next((one.lr.values for one in run.optimizers if one.index == scheduler.optimizer), ())
        yield Finding(
            "OPT009",
            {
                "scheduler": scheduler.kind,
                "steps": scheduler.optimizer_steps,
                "lr": rates[-1] if rates else float("nan"),
            },
            at(scheduler.site),
            Confidence.CERTAIN if scheduler.epochs >= EPOCHS else Confidence.LIKELY,
        )


RULE = Rule(
    code="OPT009",
    name="scheduler-never-stepped",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "`{scheduler}` was made but its `step()` was never called: the learning rate stayed at {lr} for all {steps} "
        "steps.",
        "创建了 `{scheduler}`，却从未调用它的 `step()`：{steps} 步中学习率一直是 {lr}。",
    ),
    why=Text(
        "A scheduler changes the rate only when it is stepped. Without that the schedule that was planned (decay, "
        "warm-up) "
        "does not happen, and a warm-up even stays at its first, smallest rate.",
        "调度器只有在调用 `step()` 时才会改变学习率。否则计划中的衰减或预热都不会发生，"
        "预热甚至会一直停在最小的初始值。",
    ),
    fix=Text(
        "Call `scheduler.step()` after `optimizer.step()`: once per epoch or once per batch, in the unit that the "
        "lengths "
        "given to `{scheduler}` are counted in. If no schedule is wanted, remove it.",
        "在 `optimizer.step()` 之后调用 `scheduler.step()`：每个 epoch 一次或每个批次一次，"
        "与传给 `{scheduler}` 的长度单位一致。如果不需要调度，就把它删掉。",
    ),
    bad="""\
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
x = torch.randn(720, 14)
y = (x @ torch.randn(14, 3)).argmax(1)
train_dl = DataLoader(TensorDataset(x, y), batch_size=36, shuffle=True)


def fit(model, loader, epochs):
    loss_func = nn.CrossEntropyLoss()
    opt = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, T_max=epochs)
    for epoch in range(epochs):
        for xb, yb in loader:
            loss = loss_func(model(xb), yb)
            loss.backward()
            opt.step()
            opt.zero_grad()
        print(epoch, loss.item())


fit(nn.Sequential(nn.Linear(14, 28), nn.ReLU(), nn.Linear(28, 3)), train_dl, epochs=10)
""",
    good="""\
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
x = torch.randn(720, 14)
y = (x @ torch.randn(14, 3)).argmax(1)
train_dl = DataLoader(TensorDataset(x, y), batch_size=36, shuffle=True)


def fit(model, loader, epochs):
    loss_func = nn.CrossEntropyLoss()
    opt = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, T_max=epochs)
    for epoch in range(epochs):
        for xb, yb in loader:
            loss = loss_func(model(xb), yb)
            loss.backward()
            opt.step()
            opt.zero_grad()
        sched.step()
        print(epoch, loss.item())


fit(nn.Sequential(nn.Linear(14, 28), nn.ReLU(), nn.Linear(28, 3)), train_dl, epochs=10)
""",
    links=("https://docs.pytorch.org/docs/stable/optim.html#how-to-adjust-learning-rate",),
    explains=("OPT008",),
    needs=("optimizer",),
)
