"""OPT050: weight decay so strong that the weights keep only what the last few batches taught."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from torchward.facts import Optimizer, Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at
from torchward.rules.opt._updates import leading

MEMORY = 30
"""Steps after which less than 1/e of an update is left. Weights under decay are an average of past updates over
1 / (lr * weight_decay) steps; that span should reach from one pass over the data to the whole run (Wang and Aitchison,
2024, arXiv:2405.13698). AdamW's defaults give 100,000 steps, SGD with lr 0.1, momentum 0.9, decay 5e-4 gives 2,000."""
SPANS = 5
"""The run is so many times longer: what was learned at its start is gone."""


def check(run: Run) -> Iterator[Finding]:
    for training in run.trainings:
        optimizer = leading(run, training)
        if optimizer is None or optimizer.weight_decay <= 0 or not optimizer.lr.values:
            continue
        taken = _taken_each_step(optimizer)
        steps = training.last_step - training.first_step + 1
        if taken * MEMORY < 1 or taken * steps < SPANS:
            continue
        yield Finding(
            "OPT050",
            {
                "optimizer": optimizer.kind,
                "weight_decay": optimizer.weight_decay,
                "lr": median(optimizer.lr.values),
                "taken": min(1.0, taken),
                "memory": 1 / taken,
                "steps": steps,
            },
            at(optimizer.made or optimizer.site, optimizer.lr),
            Confidence.LIKELY,
        )


def _taken_each_step(optimizer: Optimizer) -> float:
    """Share of every weight that a typical step takes away. Adam mixes the decay into its gradient: unknown, so 0."""
    if not (optimizer.decoupled or optimizer.kind == "SGD"):
        return 0.0
    factor = 1.0 if optimizer.decoupled else 1.0 / max(0.01, 1 - optimizer.momentum)
    return median(optimizer.lr.values) * optimizer.weight_decay * factor


RULE = Rule(
    code="OPT050",
    name="decay-forgets-what-was-learned",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "weight_decay={weight_decay} with lr={lr} of the {optimizer} takes {taken:.1%} of every weight away at each step: "
        "after {memory:.0f} of {steps} steps most of an update is gone.",
        "{optimizer} 的 weight_decay={weight_decay}、lr={lr} 使每一步都减去所有权重的 {taken:.1%}："
        "{memory:.0f} 步之后（共 {steps} 步），一次更新的大部分就已消失。",
    ),
    why=Text(
        "Under decay the weights are an average over the updates of the last `1 / (lr * weight_decay)` steps. If that "
        "is a handful of batches, the model follows those and cannot gather what the data has in common: the loss stops "
        "falling far too high.",
        "有权重衰减时，权重相当于最近 `1 / (lr * weight_decay)` 步更新的平均。如果只有寥寥几个批次，模型就只会追随它们，"
        "无法积累数据的共性：损失在很高处就不再下降。",
    ),
    fix=Text(
        "Lower the decay, so that `1 / (lr * weight_decay)` is at least the number of steps of one pass over the data: "
        "usual values are `1e-2` to `1e-1` for AdamW and `1e-4` for SGD.",
        "降低权重衰减，使 `1 / (lr * weight_decay)` 至少等于一遍数据的步数：常用值为 AdamW `1e-2` 到 `1e-1`、SGD `1e-4`。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(1600, 20)
y = (x @ torch.randn(20, 5) + 0.5 * torch.randn(1600, 5)).argmax(1)
model = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 5))
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2, weight_decay=5.0)
for epoch in range(8):
    for rows in torch.randperm(len(x)).split(32):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    good="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(1600, 20)
y = (x @ torch.randn(20, 5) + 0.5 * torch.randn(1600, 5)).argmax(1)
model = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 5))
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2, weight_decay=0.05)
for epoch in range(8):
    for rows in torch.randperm(len(x)).split(32):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    links=("https://arxiv.org/abs/2405.13698", "https://docs.pytorch.org/docs/stable/generated/torch.optim.AdamW.html"),
    explains=("OPT008", "TRN*"),
    explained_by=("OPT014",),
    needs=("optimizer",),
    preview=True,
)
