"""TRN008: the loss jumps once in every pass over the data: a few examples are far off."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from statistics import median

from torchward.facts import Run, Series
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at
from torchward.rules._progress import Progress, progress

AROUND = 10
"""Losses on either side of a value that it is compared with."""
JUMP = 10.0
"""A spike is at least so many times the median around it, and no smaller than the loss at the start: memorised batches
have losses near 0, next to which any other one looks large."""
PASSES = 4
"""Whole passes, the first one aside, that must show it."""
MOST = 0.75
"""Share of the passes with a spike, and ..."""
FEW = 3
"""... spikes in a pass at most, and at most a tenth of its batches."""

FAR = 20.0
"""Deviations from the mean. Of ten thousand normal targets the farthest lies 4 away, of as many exponential ones 9, and
of log-normal ones (sigma 1) about 20."""
REGRESSIONS = ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss")
PICKED = ("gather", "index")
STEPS = 200
PARTS = 4
"""Parts of the run, each of which must show it."""
OFTEN = 0.2


def check(run: Run) -> Iterator[Finding]:
    loader = max((one for one in run.loaders if one.trains), key=lambda one: one.fetched, default=None)
    length = loader.batches if loader is not None else None
    for training in run.trainings:
        course = progress(run, training)
        if course is None or loader is None or length is None or length < 2 * FEW:
            continue
        series = course.stream.values.between(training.first_step, training.last_step)
        if len(series) != series.steps[-1] - series.steps[0] + 1 or loader.fetched < len(series):
            continue  # several batches to a step, or a thinned series
        spikes = _spikes(series.values, course.start)
        passes = len(series) // length
        per_pass = [
            sum(number * length <= one < (number + 1) * length for one in spikes) for number in range(1, passes)
        ]
        struck = [count for count in per_pass if count]
        if len(per_pass) < PASSES or len(struck) < max(PASSES, MOST * len(per_pass)):
            continue
        if max(per_pass) > max(1, min(FEW, length // 10)):
            continue
        yield _finding(course, series, spikes)


def check_targets(run: Run) -> Iterator[Finding]:
    """Without a loader that says where a pass begins: the loss jumps through the whole run, and targets lie far off."""
    for training in run.trainings:
        course = progress(run, training)
        loss = course.loss if course is not None else None
        if course is None or loss is None or loss.kind not in REGRESSIONS or not loss.target_std:
            continue
        if loss.producer in PICKED:
            continue  # values of actions: rewards are rare
        mean, least, most = loss.target_mean or 0.0, loss.target_min or 0.0, loss.target_max or 0.0
        series = course.stream.values.between(training.first_step, training.last_step)
        if max(most - mean, mean - least) < FAR * loss.target_std or len(series) < STEPS:
            continue
        spikes = _spikes(series.values, course.start)
        parts = {PARTS * one // len(series) for one in spikes}
        if len(parts) == PARTS and len(spikes) <= OFTEN * len(series):
            yield _finding(course, series, spikes)


def _finding(course: Progress, series: Series, spikes: list[int]) -> Finding:
    return Finding(
        "TRN008",
        data={
            "spikes": len(spikes),
            "seen": len(series),
            "height": median(series.values[one] for one in spikes),
            "usual": course.end,
            "steps": tuple(int(series.steps[one]) for one in spikes[-5:]),
        },
        place=at(course.stream.site, series),
        confidence=Confidence.LIKELY,
    )


def _spikes(values: Sequence[float], start: float) -> list[int]:
    found = []
    for index, value in enumerate(values):
        if not math.isfinite(value) or value < start:
            continue
        around = [v for v in values[max(0, index - AROUND) : index + AROUND + 1] if math.isfinite(v)]
        if value >= JUMP * median(around) > 0:
            found.append(index)
    return found


RULE = Rule(
    code="TRN008",
    name="one-batch-spikes",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check, check_targets),
    message=Text(
        "The loss jumps to about {height} (usually {usual}) again and again, {spikes} times in {seen} steps, the last "
        "time(s) at {steps}: a few examples are far off.",
        "损失反复跳到约 {height}（平时为 {usual}），{seen} 步中共 {spikes} 次，最近在第 {steps} 步：有少数样本严重偏离。",
    ),
    why=Text(
        "Each time the same example comes up, its gradient outweighs all the others in its batch and throws the "
        "weights off. Usually the example is wrong: another unit, a placeholder such as 9999, a slip in the label.",
        "每次遇到同一个样本，它的梯度都会压过批次中的其他样本，把权重带偏。通常是样本本身有误：单位不同、"
        "9999 之类的占位值、标签填错。",
    ),
    fix=Text(
        "Find it: `with torch.no_grad(): per_example = loss_function(model(x), y, reduction='none')` over the data, "
        "then look at `per_example.flatten().topk(5)`. Mend or drop it; against rare true extremes use `F.huber_loss` "
        "or `clip_grad_norm_`.",
        "找出它：对全部数据计算 `with torch.no_grad(): per_example = loss_function(model(x), y, reduction='none')`，"
        "再看 `per_example.flatten().topk(5)`。修正或删除它；如果确实存在罕见的极端值，用 `F.huber_loss` 或 `clip_grad_norm_`。",
    ),
    bad="""\
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
x = torch.randn(960, 8)
y = x @ torch.randn(8, 1) + 0.1 * torch.randn(960, 1)
y[517] = 9999.0  # not measured
loader = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True)
model = nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(12):
    for features, target in loader:
        loss = nn.functional.mse_loss(model(features), target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    good="""\
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
x = torch.randn(960, 8)
y = x @ torch.randn(8, 1) + 0.1 * torch.randn(960, 1)
measured = torch.arange(960) != 517
loader = DataLoader(TensorDataset(x[measured], y[measured]), batch_size=32, shuffle=True)
model = nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(12):
    for features, target in loader:
        loss = nn.functional.mse_loss(model(features), target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    links=("https://docs.pytorch.org/docs/stable/generated/torch.nn.HuberLoss.html",),
    explains=("TRN001", "TRN002", "TRN007", "OPT007", "NUM002"),
    needs=("loss", "loader"),
    preview=True,
)
