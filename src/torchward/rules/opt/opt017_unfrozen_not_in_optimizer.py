"""OPT017: layers that were frozen when the optimizer was made, and that it does not hold though they train now."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from torchward.facts import Optimizer, Parameter, Run
from torchward.rule import Finding, Rule, Severity, Text
from torchward.rules._at import at

SAMPLES = 3
"""Sampled steps at which gradients must have arrived."""
NAMED = 8


def check(run: Run) -> Iterator[Finding]:
    for model in run.models:
        # A body that was trained under another head before is known as a part of that model.
        within = {model.index, *model.shares_with}
        own = [parameter for parameter in run.parameters if parameter.model in within]
        found = [parameter for parameter in own if _is_forgotten(run, parameter)]
        trains = _trains(run, [parameter for parameter in own if parameter.model == model.index], found)
        if trains is None:
            continue
        names = tuple(dict.fromkeys(parameter.module or parameter.name for parameter in found))
        step = min(_alone(parameter)[0] for parameter in found)
        yield Finding(
            "OPT017",
            {
                "model": model.name,
                "optimizer": trains.kind,
                "count": len(found),
                "layers": names[:NAMED],
                "weights": sum(parameter.numel for parameter in found),
                "step": step,
            },
            at(trains.made or trains.site, module=names[0], parameter=found[0].name, first=step),
        )


def _trains(run: Run, own: Sequence[Parameter], found: Sequence[Parameter]) -> Optimizer | None:
    """The optimizer that steps other parameters of the model with each gradient that these get in vain."""
    holders = {index for parameter in own for index in parameter.optimizers}
    since = min((_alone(parameter)[SAMPLES - 1] for parameter in found), default=0)
    last = [one for one in run.optimizers if found and one.index in holders and one.last_step >= since]
    return max(last, key=lambda one: one.last_step, default=None)


def _alone(parameter: Parameter) -> list[int]:
    """Samples with a gradient since an optimizer last held it, as one did that trained the whole model before.

    A gradient that this one has left behind, and that nobody clears, stays the same while the parameter is frozen.
    """
    last = parameter.weight_norm.steps[-1] if parameter.weight_norm.steps else -1
    series = parameter.grad_norm
    before = (math.nan, *series.values)
    return [
        int(step)
        for step, norm, earlier in zip(series.steps, series.values, before, strict=False)
        if step > last and norm != earlier
    ]


def _is_forgotten(run: Run, parameter: Parameter) -> bool:
    alone = _alone(parameter)
    if not (parameter.frozen_first and parameter.requires_grad and len(alone) >= SAMPLES):
        return False
    # One that has made its last step before is of a stage that is over.
    return all(one.last_step < alone[0] for one in run.optimizers if one.index in parameter.optimizers)


RULE = Rule(
    code="OPT017",
    name="unfrozen-not-in-optimizer",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "{count} parameters of `{model}` ({layers}) were frozen and get gradients since step {step}, but no "
        "optimizer that still steps holds them: they do not train.",
        "`{model}` 的 {count} 个参数（{layers}）曾被冻结，从第 {step} 步起有了梯度，但没有任何仍在更新的优化器持有它们：它们并不训练。",
    ),
    why=Text(
        "`{optimizer}` was given only the parameters that required gradients when it was made. Setting "
        "`requires_grad = True` later makes gradients, and nothing uses them: {weights} weights stay what they were, "
        "at the full cost of training them.",
        "创建 `{optimizer}` 时只给了它当时需要梯度的参数。之后再设 `requires_grad = True` 会产生梯度，"
        "却没有谁使用它们：{weights} 个权重保持原样，而训练它们的开销一点没少。",
    ),
    fix=Text(
        "When the layers are unfrozen, add them: `optimizer.add_param_group({{'params': layer.parameters(), "
        "'lr': ...}})`; or give the optimizer all parameters from the start (frozen ones get no gradient and are "
        "skipped).",
        "解冻时把它们加进去：`optimizer.add_param_group({{'params': layer.parameters(), 'lr': ...}})`；"
        "或者一开始就把全部参数交给优化器（冻结的参数没有梯度，会被跳过）。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(1000, 12)
y = (torch.tanh(x @ torch.randn(12, 12)) @ torch.randn(12, 3)).argmax(1)

body = nn.Sequential(nn.Linear(12, 48), nn.Tanh(), nn.Linear(48, 24), nn.Tanh())
model = nn.Sequential(body, nn.Linear(24, 3))
for parameter in body.parameters():
    parameter.requires_grad = False

optimizer = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=3e-3)
for epoch in range(16):
    if epoch == 4:
        for parameter in body.parameters():
            parameter.requires_grad = True
    for rows in torch.randperm(1000).split(50):
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
x = torch.randn(1000, 12)
y = (torch.tanh(x @ torch.randn(12, 12)) @ torch.randn(12, 3)).argmax(1)

body = nn.Sequential(nn.Linear(12, 48), nn.Tanh(), nn.Linear(48, 24), nn.Tanh())
model = nn.Sequential(body, nn.Linear(24, 3))
for parameter in body.parameters():
    parameter.requires_grad = False

optimizer = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=3e-3)
for epoch in range(16):
    if epoch == 4:
        for parameter in body.parameters():
            parameter.requires_grad = True
        optimizer.add_param_group({"params": body.parameters(), "lr": 1e-3})
    for rows in torch.randperm(1000).split(50):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    links=("https://docs.pytorch.org/docs/stable/generated/torch.optim.Optimizer.add_param_group.html",),
    explains=("OPT001", "OPT002", "OPT038", "TRN*"),
    needs=("modules", "parameters", "optimizer"),
)
