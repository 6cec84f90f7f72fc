"""OPT036: `ReduceLROnPlateau` waits for a loss to rise."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at
from torchward.rules._progress import longest

FEWEST = 5
FALL = 0.1
STEADY = 0.6
"""Share of the values that are below the one before."""


def check(run: Run) -> Iterator[Finding]:
    """Judged while the training loss falls: then a value that falls with it is a loss, and to be kept low."""
    far = longest(run)
    if not run.ended or far is None or not far.fell:
        return
    for scheduler in run.schedulers:
        values = scheduler.metrics
        if scheduler.mode != "max" or len(values) < FEWEST or not values[0] > 0:
            continue
        falling = sum(after < before for before, after in pairwise(values)) / (len(values) - 1)
        if falling < STEADY or min(values[-3:]) > (1 - FALL) * values[0]:
            continue
        if scheduler.final_lr_ratio is None or scheduler.final_lr_ratio >= 1:
            continue
        yield Finding(
            "OPT036",
            data={
                "scheduler": scheduler.kind,
                "first": values[0],
                "last": values[-1],
                "values": len(values),
                "ratio": scheduler.final_lr_ratio,
            },
            place=at(scheduler.site),
            confidence=Confidence.LIKELY,
        )


RULE = Rule(
    code="OPT036",
    name="plateau-wrong-way",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        '`{scheduler}` with mode="max" is given values that fall with the training loss ({first} to {last} over '
        "{values} calls): it takes that for a plateau, and has cut the learning rate to {ratio} of its first.",
        '`{scheduler}` 的 mode="max"，但传给它的值随训练损失一起下降（{values} '
        "次调用中从 {first} 到 {last}）：它把这当成停滞，已将学习率降到初始值的 {ratio}。",
    ),
    why=Text(
        'With "max" only a new highest value counts as progress. A loss that falls as it should never is one, so '
        "the rate is cut again and again while the model is still learning.",
        '在 "max" 模式下，只有创新高才算进步。正常下降的损失永远不会创新高，于是模型还在学习时学习率就被一次次降低。',
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
