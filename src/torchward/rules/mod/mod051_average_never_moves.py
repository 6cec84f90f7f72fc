"""MOD051: the copy of a model that is evaluated never takes over what the model learns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from torchward.facts import Copy, Model, Run, Site
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at
from torchward.rules._copies import share_of_steps

LEAST_LOOKS = 3
LEAST_STEPS = 50
LEAST_COPIES = 5
"""... where it is another copy each time."""
SELDOM = 0.3
"""Share of the steps in which it is called."""
APART = 0.02
"""Distance between the copy and the trained model, as a share of the weights, that tells them apart."""


def check(run: Run) -> Iterator[Finding]:
    models = {model.index: model for model in run.models}
    for copy in run.copies:
        steps, apart = copy.distance.steps, copy.distance.values
        if copy.changes or not (_looked_at(copy) or _only_one_used(copy, models)):
            continue
        # One that is called in steps of training is a teacher or a reference, and may well be meant to stay.
        if share_of_steps(run, copy) > SELDOM:
            continue
        if (
            apart[-1] < APART
            or (len(apart) > 1 and apart[-1] <= apart[0])
            or copy.model not in models
            or copy.original not in models
        ):
            continue
        yield Finding(
            "MOD051",
            data={
                "copy": models[copy.model].name,
                "model": models[copy.original].name,
                "looks": len(steps),
                "first": steps[0],
                "last": steps[-1],
                "distance": apart[-1],
            },
            place=at(copy.site, copy.distance),
            confidence=Confidence.POSSIBLE,
            # What is evaluated beside the trained model may be there to be compared with.
            severity=Severity.HINT if _evaluated(models[copy.original]) else None,
        )


def check_made_anew(run: Run) -> Iterator[Finding]:
    """A new copy for each evaluation, and all are filled with the same weights."""
    models = {model.index: model for model in run.models}
    groups: dict[tuple[int, Site | None], list[Copy]] = {}
    for copy in run.copies:
        groups.setdefault((copy.original, copy.site), []).append(copy)
    for (original, site), copies in groups.items():
        copies.sort(key=lambda one: one.distance.steps[0])
        steps, apart = [one.distance.steps[0] for one in copies], [one.distance.values[-1] for one in copies]
        if len(copies) < LEAST_COPIES or len({one.weights for one in copies}) > 1 or original not in models:
            continue
        if steps[-1] - steps[0] < LEAST_STEPS or apart[-1] < APART or apart[-1] <= apart[0]:
            continue
        yield Finding(
            "MOD051",
            data={
                "copy": models[copies[-1].model].name if copies[-1].model in models else "",
                "model": models[original].name,
                "looks": len(copies),
                "first": steps[0],
                "last": steps[-1],
                "distance": apart[-1],
            },
            place=at(site, first=steps[0]),
            confidence=Confidence.POSSIBLE,  # the best weights so far may be those of long ago
        )


def _looked_at(copy: Copy) -> bool:
    steps = copy.distance.steps
    return len(steps) >= LEAST_LOOKS and steps[-1] - steps[0] >= LEAST_STEPS


def _only_one_used(copy: Copy, models: Mapping[int, Model]) -> bool:
    """It holds the weights of the start when it is called late, and the trained model is not evaluated itself: an
    untrained copy that is there to be compared with would be."""
    original = models.get(copy.original)
    if original is None or not copy.as_begun or copy.distance.steps[-1] < LEAST_STEPS:
        return False
    return not _evaluated(original)


def _evaluated(model: Model) -> bool:
    calls = model.calls
    return calls.eval_no_grad + calls.eval_graph_unused + calls.training_no_grad > 0


RULE = Rule(
    code="MOD051",
    name="average-never-moves",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check, check_made_anew),
    message=Text(
        "`{copy}` is evaluated (steps {first} to {last}, looks: {looks}), but its weights are still those of the start, or of step {first}; "
        "those of `{model}`, which it is built like, have moved away from it by {distance:.0%}.",
        "`{copy}` 被用于评估（从第 {first} 步到第 {last} 步查看了 {looks} 次），但其权重仍是起初或第 {first} 步的值；与它结构相同的 `{model}` 的权重已偏离它 {distance:.0%}。",
    ),
    why=Text(
        "An average of the weights (EMA) that is never updated, or updated into tensors that are thrown away, stays at the "
        "random start: its results say nothing of the training.",
        "从未更新、或更新结果被丢弃的权重平均（EMA）会停留在随机初始值：它的结果与训练毫无关系。",
    ),
    fix=Text(
        "Update it in place after each step: `for kept, new in zip({copy}.parameters(), {model}.parameters()): "
        "kept.lerp_(new, 1 - decay)` under `torch.no_grad()`, or use `torch.optim.swa_utils.AveragedModel` and its "
        "`update_parameters`.",
        "每步之后在 `torch.no_grad()` 下原地更新：`for kept, new in zip({copy}.parameters(), {model}.parameters()): "
        "kept.lerp_(new, 1 - decay)`，或使用 `torch.optim.swa_utils.AveragedModel` 及其 `update_parameters`。",
    ),
    bad="""\
import copy

import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(1200, 10)
y = torch.sin(x[:, :1]) + 0.1 * torch.randn(1200, 1)
train_x, train_y, val_x, val_y = x[:1000], y[:1000], x[1000:], y[1000:]

model = nn.Sequential(nn.Linear(10, 64), nn.ReLU(), nn.Linear(64, 1))
average = copy.deepcopy(model).requires_grad_(False)
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)


@torch.no_grad()
def update():
    for kept, new in zip(average.parameters(), model.parameters()):
        kept = 0.98 * kept + 0.02 * new


for epoch in range(12):
    model.train()
    for rows in torch.randperm(1000).split(50):
        loss = nn.functional.mse_loss(model(train_x[rows]), train_y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        update()
    average.eval()
    with torch.no_grad():
        print(epoch, nn.functional.mse_loss(average(val_x), val_y).item())
""",
    good="""\
import copy

import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(1200, 10)
y = torch.sin(x[:, :1]) + 0.1 * torch.randn(1200, 1)
train_x, train_y, val_x, val_y = x[:1000], y[:1000], x[1000:], y[1000:]

model = nn.Sequential(nn.Linear(10, 64), nn.ReLU(), nn.Linear(64, 1))
average = copy.deepcopy(model).requires_grad_(False)
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)


@torch.no_grad()
def update():
    for kept, new in zip(average.parameters(), model.parameters()):
        kept.copy_(0.98 * kept + 0.02 * new)


for epoch in range(12):
    model.train()
    for rows in torch.randperm(1000).split(50):
        loss = nn.functional.mse_loss(model(train_x[rows]), train_y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        update()
    average.eval()
    with torch.no_grad():
        print(epoch, nn.functional.mse_loss(average(val_x), val_y).item())
""",
    links=("https://docs.pytorch.org/docs/stable/optim.html#weight-averaging-swa-and-ema",),
    explains=("MOD011", "TRN006"),
    needs=("modules",),
)
