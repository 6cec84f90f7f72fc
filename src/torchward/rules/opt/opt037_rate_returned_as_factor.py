"""OPT037: the function given to LambdaLR returns a rate, where a factor of the rate is asked for."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at
from torchward.rules.opt._schedules import own_schedulers
from torchward.rules.opt._updates import leading

STEPS = 50
SCHEDULER_STEPS = 3
SMALL = 0.05
"""Of a schedule of factors one is 1, or nearly: the chosen rate is used at some time."""
APART = 5.0
"""A rate that is returned is of the size of the rate that was chosen. An optimizer with lr=1 whose schedule holds the
rates is right, and is far from this."""
EQUAL = 0.02
SMALL_EQUAL = 0.2
"""A largest factor that is the chosen rate itself need not be tiny to be one."""
RISING = 1.05
"""From the middle to the end: a warm-up that did not come to its end has small factors too (OPT019)."""


def check(run: Run) -> Iterator[Finding]:
    if not run.ended:
        return
    own = own_schedulers(run)
    for scheduler in own:
        factor, planned = scheduler.highest_factor, scheduler.planned_lr
        if not factor or not planned or not 1 / APART <= factor / planned <= APART:
            continue
        equal = abs(factor / planned - 1) <= EQUAL
        if factor > (SMALL_EQUAL if equal else SMALL):
            continue
        if scheduler.optimizer_steps < STEPS or scheduler.steps < SCHEDULER_STEPS:
            continue
        training = next((one for one in run.trainings if scheduler.optimizer in one.optimizers), None)
        optimizer = leading(run, training) if training is not None else None
        if optimizer is None or optimizer.index != scheduler.optimizer:
            continue
        rates = optimizer.lr
        half = rates.between(0, (optimizer.first_step + optimizer.last_step) // 2).values
        alone = sum(one.optimizer == optimizer.index for one in own) == 1
        if not alone or not half or rates.values[-1] > RISING * half[-1]:
            continue
        yield Finding(
            "OPT037",
            {
                "scheduler": scheduler.kind,
                "optimizer": optimizer.kind,
                "factor": factor,
                "planned": planned,
                "rate": factor * planned,
                "steps": scheduler.optimizer_steps,
            },
            at(scheduler.site),
            Confidence.CERTAIN if equal and factor <= SMALL else Confidence.LIKELY,
        )


RULE = Rule(
    code="OPT037",
    name="rate-returned-as-factor",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "The function of `{scheduler}` never returns more than {factor} in {steps} steps: it returns learning rates, and "
        "they are multiplied with lr={planned} of the {optimizer}. The highest rate was {rate}.",
        "`{scheduler}` 的函数在 {steps} 步中最多只返回 {factor}：它返回的是学习率，又被乘上 {optimizer} 的 lr={planned}，"
        "实际学习率最高只有 {rate}。",
    ),
    why=Text(
        "What the function returns is a factor of the optimizer's rate, not the rate. A rate of a thousandth becomes one "
        "of a millionth, and the model hardly learns.",
        "该函数返回的是优化器学习率的倍数，而不是学习率本身。千分之一的学习率会变成百万分之一，模型几乎学不到东西。",
    ),
    fix=Text(
        "Return a factor that is 1 where the full rate is wanted: divide by the base rate (`return rate / {planned}`); "
        "or make the optimizer with `lr=1.0` and let the function return the rate.",
        "返回倍数，需要完整学习率时返回 1：把返回值除以基础学习率（`return rate / {planned}`）；"
        "或者用 `lr=1.0` 构造优化器，由函数返回学习率。",
    ),
    bad="""\
import math

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
digits = load_digits()
inputs = torch.tensor(digits.data / 16, dtype=torch.float32)
loader = DataLoader(TensorDataset(inputs, torch.tensor(digits.target)), batch_size=64, shuffle=True)

base, epochs = 3e-3, 10
model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
optimizer = torch.optim.AdamW(model.parameters(), lr=base)


def cosine(epoch):
    return base * 0.5 * (1 + math.cos(math.pi * epoch / epochs))


scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, cosine)
for epoch in range(epochs):
    for x, y in loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
    scheduler.step()
    print(epoch, loss.item())
""",
    good="""\
import math

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
digits = load_digits()
inputs = torch.tensor(digits.data / 16, dtype=torch.float32)
loader = DataLoader(TensorDataset(inputs, torch.tensor(digits.target)), batch_size=64, shuffle=True)

base, epochs = 3e-3, 10
model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
optimizer = torch.optim.AdamW(model.parameters(), lr=base)


def cosine(epoch):
    return 0.5 * (1 + math.cos(math.pi * epoch / epochs))


scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, cosine)
for epoch in range(epochs):
    for x, y in loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
    scheduler.step()
    print(epoch, loss.item())
""",
    links=("https://docs.pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.LambdaLR.html",),
    explains=("OPT008", "TRN001", "TRN003", "TRN007"),
    needs=("optimizer",),
)
