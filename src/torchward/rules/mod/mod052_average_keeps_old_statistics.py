"""MOD052: the average of a model's weights is evaluated with the batch statistics of another time."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

LOOKS = 2
"""In a row, each some steps after the one before: one evaluation may come before the statistics are made anew."""


def check(run: Run) -> Iterator[Finding]:
    models = {model.index: model for model in run.models}
    for copy in run.copies:
        if copy.still >= LOOKS and copy.model in models and copy.original in models:
            yield Finding(
                "MOD052",
                data={
                    "copy": models[copy.model].name,
                    "model": models[copy.original].name,
                    "looks": copy.still,
                    "step": copy.distance.steps[-1],
                },
                place=at(copy.site, copy.distance),
                confidence=Confidence.LIKELY,
            )


RULE = Rule(
    code="MOD052",
    name="average-keeps-old-statistics",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "`{copy}` follows the weights of `{model}`, but not its batch norm statistics: in {looks} evaluations up to step "
        "{step} its `running_mean` and `running_var` were the same, while those of `{model}` moved.",
        "`{copy}` 跟随 `{model}` 的权重，却没有跟随其批归一化统计量：到第 {step} 步为止的 {looks} 次评估中，它的 `running_mean` "
        "和 `running_var` 始终不变，而 `{model}` 的在变化。",
    ),
    why=Text(
        "`parameters()` has no buffers: averaged weights then work with means and variances of other weights, often those "
        "of the start (0 and 1), and the average looks much worse than it is.",
        "`parameters()` 不包含缓冲区：平均后的权重便与其他权重的均值和方差（往往是初始的 0 和 1）一起使用，"
        "平均模型看起来比实际差得多。",
    ),
    fix=Text(
        "Copy the buffers at each update: `for kept, new in zip({copy}.buffers(), {model}.buffers()): kept.copy_(new)`; "
        "or `AveragedModel(model, use_buffers=True)`; or make them anew before evaluating, with "
        "`torch.optim.swa_utils.update_bn(loader, {copy})`.",
        "每次更新时复制缓冲区：`for kept, new in zip({copy}.buffers(), {model}.buffers()): kept.copy_(new)`；或使用 "
        "`AveragedModel(model, use_buffers=True)`；或在评估前用 `torch.optim.swa_utils.update_bn(loader, {copy})` 重新计算。",
    ),
    bad="""\
import copy

import torch
from torch import nn

torch.manual_seed(0)
x = 3 * torch.randn(1200, 10) + 2
y = (x[:, :4] @ torch.randn(4, 3)).argmax(1)
model = nn.Sequential(nn.Linear(10, 48), nn.BatchNorm1d(48), nn.ReLU(), nn.Linear(48, 3))
average = copy.deepcopy(model).requires_grad_(False).eval()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(12):
    model.train()
    for rows in torch.randperm(1000).split(50):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            for kept, new in zip(average.parameters(), model.parameters()):
                kept.lerp_(new, 0.05)
    with torch.no_grad():
        print(epoch, (average(x[1000:]).argmax(1) == y[1000:]).float().mean().item())
""",
    good="""\
import copy

import torch
from torch import nn

torch.manual_seed(0)
x = 3 * torch.randn(1200, 10) + 2
y = (x[:, :4] @ torch.randn(4, 3)).argmax(1)
model = nn.Sequential(nn.Linear(10, 48), nn.BatchNorm1d(48), nn.ReLU(), nn.Linear(48, 3))
average = copy.deepcopy(model).requires_grad_(False).eval()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(12):
    model.train()
    for rows in torch.randperm(1000).split(50):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            for kept, new in zip(average.parameters(), model.parameters()):
                kept.lerp_(new, 0.05)
            for kept, new in zip(average.buffers(), model.buffers()):
                kept.copy_(new)
    with torch.no_grad():
        print(epoch, (average(x[1000:]).argmax(1) == y[1000:]).float().mean().item())
""",
    links=("https://docs.pytorch.org/docs/stable/optim.html#weight-averaging-swa-and-ema",),
    explains=("MOD025", "TRN006"),
    needs=("modules",),
)
