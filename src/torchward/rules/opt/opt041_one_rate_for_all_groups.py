"""OPT041: groups of an optimizer were given rates of their own, and something sets one and the same rate for all."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

APART = 2.0
"""Times that the largest rate is the least, from which on they were chosen: layers are usually given 2 to 100 times
less than the head (Howard and Ruder 2018 take 2.6 from each layer to the one below)."""
STEPS = 10
"""Sampled steps, in nearly all of which there is one rate only."""
NEARLY = 0.9
OF_RUN = 0.5
"""Of the run's steps that the optimizer takes, at least."""


def check(run: Run) -> Iterator[Finding]:
    for optimizer in run.optimizers:
        least, most = optimizer.made_rates
        if least <= 0 or most < APART * least or optimizer.rated_steps < STEPS:
            continue
        if optimizer.steps < OF_RUN * run.steps:
            continue  # a search for a rate
        if optimizer.flat_steps < NEARLY * optimizer.rated_steps:
            continue
        schedule = next((one for one in run.schedulers if one.optimizer == optimizer.index), None)
        yield Finding(
            "OPT041",
            data={
                "least": least,
                "most": most,
                "now": optimizer.lr.values[-1] if len(optimizer.lr) else most,
                "steps": optimizer.rated_steps,
                "flat": optimizer.flat_steps,
            },
            place=at((schedule.site if schedule is not None else None) or optimizer.made or optimizer.site),
            confidence=Confidence.LIKELY,
        )


RULE = Rule(
    code="OPT041",
    name="one-rate-for-all-groups",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "The optimizer was made with learning rates from {least:.3g} to {most:.3g} for its groups; in {flat} of {steps} steps looked "
        "at all groups had the same rate ({now:.3g} at last).",
        "建立优化器时各参数组的学习率从 {least:.3g} 到 {most:.3g} 不等；但在查看的 {steps} 步中有 {flat} 步所有参数组的学习率都相同"
        "（最后为 {now:.3g}）。",
    ),
    why=Text(
        "What was chosen for each group is gone before the first steps: a loop writes one number into every group, or a schedule "
        "was given one maximum for all (`OneCycleLR(max_lr=1e-3)`, `CyclicLR`). Layers that were to move little move as much as "
        "the new ones.",
        "为各组选定的学习率在最初几步之前就没有了：循环把同一个数写进每个参数组，或学习率调度只得到一个最大值（`OneCycleLR(max_lr=1e-3)`、"
        "`CyclicLR`）。本应只做微调的层与新层以同样的幅度更新。",
    ),
    fix=Text(
        "Scale what each group began with: `for group in optimizer.param_groups: group['lr'] = group['initial_lr'] * factor` (LambdaLR "
        "does so), or give the schedule one maximum for each group.",
        "按各组的初始值缩放：`for group in optimizer.param_groups: group['lr'] = group['initial_lr'] * factor`（LambdaLR 正是这样做的），"
        "或为每个参数组各给一个最大值。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(1000, 8)
y = (x @ torch.randn(8, 3)).argmax(1)
body, head = nn.Sequential(nn.Linear(8, 32), nn.ReLU()), nn.Linear(32, 3)
optimizer = torch.optim.AdamW(
    [{"params": body.parameters(), "lr": 1e-4}, {"params": head.parameters(), "lr": 2e-3}], weight_decay=0.01
)
for step in range(300):
    for group in optimizer.param_groups:
        group["lr"] = 2e-3 * (1 - step / 300)
    rows = torch.randint(0, 1000, (64,))
    loss = nn.functional.cross_entropy(head(body(x[rows])), y[rows])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(loss.item())
""",
    good="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(1000, 8)
y = (x @ torch.randn(8, 3)).argmax(1)
body, head = nn.Sequential(nn.Linear(8, 32), nn.ReLU()), nn.Linear(32, 3)
optimizer = torch.optim.AdamW(
    [{"params": body.parameters(), "lr": 1e-4}, {"params": head.parameters(), "lr": 2e-3}], weight_decay=0.01
)
first = [group["lr"] for group in optimizer.param_groups]
for step in range(300):
    for group, rate in zip(optimizer.param_groups, first):
        group["lr"] = rate * (1 - step / 300)
    rows = torch.randint(0, 1000, (64,))
    loss = nn.functional.cross_entropy(head(body(x[rows])), y[rows])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(loss.item())
""",
    links=(
        "https://docs.pytorch.org/docs/stable/optim.html#per-parameter-options",
        "https://docs.pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.OneCycleLR.html",
    ),
    explains=("OPT032",),
    needs=("optimizer",),
    preview=True,
)
