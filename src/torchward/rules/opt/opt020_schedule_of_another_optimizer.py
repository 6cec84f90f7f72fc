"""OPT020: the schedule moves the learning rate of an optimizer that is not the one in use."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Finding, Rule, Severity, Text
from torchward.rules._at import at

TIMES = 3
"""Steps of the scheduler, and samples of the other optimizer's rate."""
MOVED = 0.05
"""Least relative change of the scheduled rate."""


def check(run: Run) -> Iterator[Finding]:
    held = {one.index: set(one.parameters) for one in run.optimizers}
    for scheduler in run.schedulers:
        ratio = scheduler.final_lr_ratio
        if scheduler.optimizer is None or scheduler.optimizer_steps or scheduler.steps < TIMES or ratio is None:
            continue
        if abs(ratio - 1) < MOVED:
            continue
        own = held.get(scheduler.optimizer, set())
        made = next((one for one in run.optimizers if one.index == scheduler.optimizer), None)
        for optimizer in run.optimizers:
            rates = optimizer.lr.values
            if optimizer.index == scheduler.optimizer or not optimizer.steps or len(rates) < TIMES:
                continue
            # One that shares its groups with the optimizer in use (a wrapper's inside) moves that one's rate, too.
            if max(rates) != min(rates) or not own & held[optimizer.index]:
                continue
            if any(one.optimizer == optimizer.index and one.steps for one in run.schedulers):
                continue
            yield Finding(
                "OPT020",
                {
                    "scheduler": scheduler.kind,
                    "optimizer": optimizer.kind,
                    "other": made.kind if made is not None else "",
                    "times": scheduler.steps,
                    "lr": rates[-1],
                    "steps": optimizer.steps,
                    "ratio": ratio,
                },
                at(scheduler.site),
            )
            break


RULE = Rule(
    code="OPT020",
    name="schedule-of-another-optimizer",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "`{scheduler}` was stepped {times} times for a `{other}` that never steps; the `{optimizer}` that trains the "
        "same parameters kept its learning rate of {lr} for all {steps} steps.",
        "`{scheduler}` 走了 {times} 步，但它属于一个从不执行 `step()` 的 `{other}`；实际训练同一组参数的 `{optimizer}` "
        "在全部 {steps} 步中学习率一直是 {lr}。",
    ),
    why=Text(
        "A scheduler writes into the `param_groups` of the optimizer it was made with. When that one is replaced "
        "afterwards, the schedule goes on in a place that nobody reads.",
        "调度器修改的是创建它时传入的那个优化器的 `param_groups`。之后若换了优化器，调度就写在了没有人读取的地方。",
    ),
    fix=Text(
        "Make the scheduler last, with the optimizer that steps: `{scheduler}(optimizer, ...)` after the final "
        "`optimizer = {optimizer}(...)`.",
        "最后再创建调度器，并传入真正执行 `step()` 的优化器：在最终的 `optimizer = {optimizer}(...)` 之后写 "
        "`{scheduler}(optimizer, ...)`。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(900, 10)
y = (x @ torch.randn(10, 4)).argmax(1)

model = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 4))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=12)
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)

for epoch in range(12):
    for rows in torch.randperm(900).split(50):
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
x = torch.randn(900, 10)
y = (x @ torch.randn(10, 4)).argmax(1)

model = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 4))
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=12)

for epoch in range(12):
    for rows in torch.randperm(900).split(50):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    scheduler.step()
    print(epoch, loss.item())
""",
    links=("https://docs.pytorch.org/docs/stable/optim.html#how-to-adjust-learning-rate",),
    explains=("OPT006", "OPT009", "OPT010", "TRN001"),
    needs=("optimizer",),
)
