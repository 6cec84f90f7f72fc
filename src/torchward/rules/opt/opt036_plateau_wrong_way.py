"""OPT036: `ReduceLROnPlateau` waits for a loss to rise, or for an accuracy to fall."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at
from torchward.rules._progress import longest

FEWEST = 5
FALL = RISE = 0.1
STEADY = 0.6
"""Share of the values that are below the one before."""


def check(run: Run) -> Iterator[Finding]:
    """Judged while the training loss falls: then a value that falls with it is a loss, and to be kept low."""
    far = longest(run)
    if not run.ended or far is None or not far.fell:
        return
    for scheduler in run.schedulers:
        values = scheduler.metrics
        if len(values) < FEWEST or not values[0] > 0:
            continue
        if scheduler.final_lr_ratio is None or scheduler.final_lr_ratio >= 1:
            continue
        if not (_falls(values) if scheduler.mode == "max" else scheduler.mode == "min" and _is_score(run, values)):
            continue
        yield Finding(
            "OPT036",
            data={
                "scheduler": scheduler.kind,
                "mode": scheduler.mode,
                "first": values[0],
                "last": values[-1],
                "values": len(values),
                "ratio": scheduler.final_lr_ratio,
            },
            place=at(scheduler.site),
            confidence=Confidence.LIKELY,
        )


def _falls(values: Sequence[float]) -> bool:
    steps = [after < before for before, after in pairwise(values)]
    return sum(steps) >= STEADY * len(steps) and min(values[-3:]) <= (1 - FALL) * values[0]


def _is_score(run: Run, values: Sequence[float]) -> bool:
    """Between 0 and 1 (or 100 %), it rises while the loss on held-out data falls, as accuracy does and no loss."""
    changes = [after - before for before, after in pairwise(values) if after != before]
    rises = sum(change > 0 for change in changes) >= STEADY * len(changes) > 0
    if not rises or not 0 <= min(values) <= max(values) <= 100 or values[0] > min(values[1:]):
        return False
    if min(values[-3:]) < (1 + RISE) * values[0]:
        return False
    judged = [loss.values.values for loss in run.losses if not loss.training and len(loss.values) >= FEWEST]
    return any(math.isfinite(loss[-1]) and loss[-1] < (1 - FALL) * loss[0] for loss in judged)


RULE = Rule(
    code="OPT036",
    name="plateau-wrong-way",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        '`{scheduler}` with mode="{mode}" is given values that go the other way while the loss falls, from {first} to '
        "{last} over {values} calls: it takes that for a plateau, and has cut the learning rate to {ratio} of its first.",
        '`{scheduler}` 的 mode="{mode}"，但在损失下降的同时，传给它的值朝相反方向变化（{values} 次调用中从 {first} 到 '
        "{last}）：它把这当成停滞，已将学习率降到初始值的 {ratio}。",
    ),
    why=Text(
        'With "max" only a new highest value counts as progress, with "min" a new lowest one. A loss that falls as it '
        "should is never the one, an accuracy that rises never the other, so the rate is cut again and again while the "
        "model is still learning.",
        '在 "max" 模式下只有创新高才算进步，在 "min" 模式下只有创新低才算。正常下降的损失永远不会创新高，正常上升的准确率永远不会创新低，'
        "于是模型还在学习时学习率就被一次次降低。",
    ),
    fix=Text(
        'For a loss write `ReduceLROnPlateau(optimizer, mode="min")` (the default); "max" is for accuracies.',
        '监控损失时写 `ReduceLROnPlateau(optimizer, mode="min")`（默认值）；"max" 用于准确率。',
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(1200, 20)
y = (x @ torch.randn(20, 3)).argmax(1)
model = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 3))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, mode="max", patience=1, factor=0.3)
for epoch in range(25):
    total = 0.0
    for rows in torch.randperm(1200).split(50):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item()
    scheduler.step(total / 24)
    print(epoch, total / 24, optimizer.param_groups[0]["lr"])
""",
    good="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(1200, 20)
y = (x @ torch.randn(20, 3)).argmax(1)
model = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 3))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, mode="min", patience=1, factor=0.3)
for epoch in range(25):
    total = 0.0
    for rows in torch.randperm(1200).split(50):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item()
    scheduler.step(total / 24)
    print(epoch, total / 24, optimizer.param_groups[0]["lr"])
""",
    links=("https://docs.pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.ReduceLROnPlateau.html",),
    explains=("OPT018", "OPT008", "TRN*"),
    needs=("optimizer",),
    preview=True,
)
