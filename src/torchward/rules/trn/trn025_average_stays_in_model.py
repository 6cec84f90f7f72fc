"""TRN025: a running average of the weights is put into the model for an evaluation, and training goes on from it."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

TIMES = 2
"""Evaluations, one after the other: once, weights may be put in on purpose, as where a stage of the training begins."""
AWAY = 1.0
"""Lengths of a step that the weights are set back. An average over so few steps that it is nearer changes nothing."""


def check(run: Run) -> Iterator[Finding]:
    found = run.average_kept
    if found is None or found.times < TIMES or found.otherwise or found.away < AWAY:
        return
    yield Finding(
        "TRN025",
        data={
            "model": next((model.name for model in run.models if model.index == found.model), "model"),
            "times": found.times,
            "away": found.away,
            "part": found.part,
        },
        place=at(found.site, first=found.step),
        confidence=Confidence.LIKELY,
    )


RULE = Rule(
    code="TRN025",
    name="average-stays-in-model",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "For an evaluation `{model}` is given a running average of its weights, and training goes on from it: the weights "
        "of before were not put back. That set them back by {away} steps each time (seen at {times} evaluations, one "
        "after the other).",
        "评估时 `{model}` 换上了权重的滑动平均，评估后却没有换回原来的权重，训练就从平均值继续：每次相当于退回 {away} 步（已连续在 {times} 次评估中看到）。",
    ),
    why=Text(
        "A running average lags behind. Where training starts from it again after every evaluation, what was learned "
        "since then is partly lost, the optimizer's moments belong to other weights, and how well the model trains "
        "depends on how often it is evaluated. A backup without `clone()` is no backup: it is the weights themselves, "
        "which the average has overwritten.",
        "滑动平均总是滞后的。每次评估后都从它继续训练，就会丢掉一部分刚学到的东西，优化器的动量也对应另一组权重，训练效果还会取决于评估的频率。"
        "没有 `clone()` 的备份不是备份：它就是权重本身，已经被平均值覆盖。",
    ),
    fix=Text(
        "Evaluate a copy (`torch.optim.swa_utils.AveragedModel`), or keep the weights before "
        "(`backup = [p.detach().clone() for p in model.parameters()]`) and copy them back behind the evaluation. If "
        "training is to go on from the average, as in Switch EMA, ignore this.",
        "评估另一份模型（`torch.optim.swa_utils.AveragedModel`），或先保存权重（`backup = [p.detach().clone() for p in model.parameters()]`），"
        "评估后再拷贝回去。如果有意从平均值继续训练（如 Switch EMA），可忽略本条。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(2000, 16)
y = (x @ torch.randn(16, 4) + torch.randn(2000, 4)).argmax(1)
train_x, train_y, val_x, val_y = x[:1600], y[:1600], x[1600:], y[1600:]

model = nn.Sequential(nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, 4))
average = {name: p.detach().clone() for name, p in model.named_parameters()}
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(12):
    for rows in torch.randperm(1600).split(40):
        loss = nn.functional.cross_entropy(model(train_x[rows]), train_y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            for name, p in model.named_parameters():
                average[name].lerp_(p, 0.01)
    model.load_state_dict(average)
    with torch.no_grad():
        score = (model(val_x).argmax(1) == val_y).float().mean().item()
    print(epoch, loss.item(), score)
""",
    good="""\
import copy

import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(2000, 16)
y = (x @ torch.randn(16, 4) + torch.randn(2000, 4)).argmax(1)
train_x, train_y, val_x, val_y = x[:1600], y[:1600], x[1600:], y[1600:]

model = nn.Sequential(nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, 4))
average = {name: p.detach().clone() for name, p in model.named_parameters()}
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(12):
    for rows in torch.randperm(1600).split(40):
        loss = nn.functional.cross_entropy(model(train_x[rows]), train_y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            for name, p in model.named_parameters():
                average[name].lerp_(p, 0.01)
    trained = copy.deepcopy(model.state_dict())
    model.load_state_dict(average)
    with torch.no_grad():
        score = (model(val_x).argmax(1) == val_y).float().mean().item()
    model.load_state_dict(trained)
    print(epoch, loss.item(), score)
""",
    links=(
        "https://docs.pytorch.org/docs/stable/optim.html#weight-averaging-swa-and-ema",
        "https://docs.pytorch.org/docs/stable/generated/torch.optim.swa_utils.AveragedModel.html",
    ),
    explains=("TRN001", "OPT008"),
    needs=("modules", "optimizer"),
    preview=True,
)
