"""LOS021: one of several added losses is drowned by the others and does not fall, or late."""

from __future__ import annotations

import math
from collections.abc import Iterator
from statistics import fmean

from torchward.facts import Loss, LossStream, Run, Series
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

SHARE = 0.01
"""Share of the sum below which a term is drowned, where it should lead."""
FALL = 0.15
"""A loss of classes that fell by less than this has not been learned."""
SAMPLES = 10
STEPS = 100

TINY = 1e-3
"""Share of the sum that a term never reached and yet was learned late, once the others had little left to say. Of 46
programs with a loss of classes among several two had such a term, both broken (1e-5 and 8e-4)."""
ERROR_LEFT = 0.3
"""Part of the error of a constant answer that is left of such a term in the end, if it was not learned."""
EARLY = (0.05, 0.2)
"""Part of the run in which such a loss stayed where it was, while ..."""
STAYED, OTHERS = 0.9, 0.5
"""... at so much of its start or more, the sum fell to so much of its own or less; ..."""
LATER, UNFINISHED = 0.95, 0.5
"""... it then fell to so much of that or less, as one limited by noise does not, but so much of its start was left. Measured
in the broken programs: 0.99 and 1.00 of its start at first, 0.70 and 0.93 at the end; with the errors brought to one size,
0.66 and less at first, and 0.1 and less at the end."""


def check(run: Run) -> Iterator[Finding]:
    if not run.ended or run.steps < STEPS:
        return
    losses = {loss.index: loss for loss in run.losses}
    for stream in run.streams:
        for index, shares in stream.terms.items():
            loss = losses.get(index)
            if loss is None or len(shares) < SAMPLES or max(shares.values[: len(shares) // 2]) > SHARE:
                continue
            late = max(shares.values) < TINY and index not in stream.apart and _learned_late(loss, stream, run.steps)
            error = max(shares.values) < TINY and _error_left(loss)
            if not late and not error and not _not_learned(loss):
                continue
            finite = [value for value in loss.values.values if math.isfinite(value)]
            share = sum(shares.values) / len(shares)
            yield Finding(
                "LOS021",
                data={
                    "loss": loss.kind,
                    "times": 1 / max(share, 1e-12),
                    "start": finite[0],
                    "end": finite[-1],
                },
                place=at(stream.site or loss.site, shares),
                confidence=Confidence.LIKELY,
            )


def _learned_late(loss: Loss, stream: LossStream, steps: int) -> bool:
    """A loss of class labels that began to fall only long after the sum had."""
    values, total = _finite(loss.values), _finite(stream.values)
    window = [
        [value for step, value in each if EARLY[0] * steps <= step <= EARLY[1] * steps] for each in (values, total)
    ]
    if not loss.accuracy or not loss.training or min(map(len, window)) < 3 or len(values) < SAMPLES:
        return False
    start, whole = (fmean(value for _, value in each[:3]) for each in (values, total))
    end = fmean(value for _, value in values[-3:])
    return fmean(window[0]) > STAYED * start > 0 and fmean(window[1]) < OTHERS * whole and UNFINISHED * start < end


def _error_left(loss: Loss) -> bool:
    """An error of which much of what predicting the mean would leave is left."""
    power = {"mse_loss": 2.0, "l1_loss": 1.0}.get(loss.kind)
    values = [value for value in loss.values.values if math.isfinite(value)]
    if power is None or not loss.training or not loss.target_std or len(values) < SAMPLES:
        return False
    return fmean(values[-max(3, len(values) // 4) :]) >= ERROR_LEFT * loss.target_std**power


def _finite(series: Series) -> list[tuple[int, float]]:
    return [one for one in zip(series.steps, series.values, strict=True) if math.isfinite(one[1])]


def _not_learned(loss: Loss) -> bool:
    """A loss of class labels that stayed where it was, with predictions no better than naming the largest class."""
    values = [value for value in loss.values.values if math.isfinite(value)]
    accuracy = [value for value in loss.accuracy.values if math.isfinite(value)]
    total = sum(loss.target_values.values())
    if len(values) < SAMPLES or len(accuracy) < SAMPLES or not total or not loss.training:
        return False
    part = max(3, len(values) // 4)
    start, end = sum(values[:part]) / part, sum(values[-part:]) / part
    named = sum(accuracy[-part:]) / part
    return end > (1 - FALL) * start and named < 1.3 * max(loss.target_values.values()) / total + 0.02


RULE = Rule(
    code="LOS021",
    name="loss-drowned-by-another",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "`{loss}` is one of several losses that are added, and the others outweigh it {times:.0f} times: it has hardly been "
        "learned, or late (from {start} to {end}).",
        "`{loss}` 是相加的几项损失之一，其余各项是它的 {times:.0f} 倍：它几乎没有学到东西，或很晚才开始学（从 {start} 到 {end}）。",
    ),
    why=Text(
        "The gradient of a sum is the sum of the gradients: a term that is orders of magnitude smaller has no say"
        " in where the shared weights go, least of all once the whole is clipped or normalised by Adam.",
        "和的梯度等于梯度之和：小几个数量级的那一项，对共享权重的走向没有发言权；若整体再被裁剪或被 Adam 归"
        "一化，就更是如此。",
    ),
    fix=Text(
        "Bring the terms to one size: `loss = main + 0.1 * auxiliary / auxiliary.detach()`, or choose the weight "
        "so that both begin about equal; take an error in units such as Wh or euros of targets that were divided by their "
        "deviation.",
        "把各项调到同一量级：`loss = main + 0.1 * auxiliary / auxiliary.detach()`，或选择权重使两项初始时大致相等；对于带单位（如 Wh、元）"
        "的误差，先用目标的标准差归一化。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(1200, 20)
y = (x @ torch.randn(20, 4)).argmax(1)


class Shared(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Linear(20, 16)
        self.decoder = nn.Linear(16, 20)
        self.classifier = nn.Linear(16, 4)

    def forward(self, x):
        h = torch.relu(self.encoder(x))
        return self.decoder(h), self.classifier(h)


model = Shared()
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
for epoch in range(8):
    for rows in torch.randperm(1200).split(40):
        rebuilt, scores = model(x[rows])
        distance = (rebuilt - x[rows]).square().mean()
        loss = nn.functional.cross_entropy(scores, y[rows]) + 1e5 * distance
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    print(epoch, loss.item(), (scores.argmax(1) == y[rows]).float().mean().item())
""",
    good="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(1200, 20)
y = (x @ torch.randn(20, 4)).argmax(1)


class Shared(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Linear(20, 16)
        self.decoder = nn.Linear(16, 20)
        self.classifier = nn.Linear(16, 4)

    def forward(self, x):
        h = torch.relu(self.encoder(x))
        return self.decoder(h), self.classifier(h)


model = Shared()
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
for epoch in range(8):
    for rows in torch.randperm(1200).split(40):
        rebuilt, scores = model(x[rows])
        distance = (rebuilt - x[rows]).square().mean()
        loss = nn.functional.cross_entropy(scores, y[rows]) + 1.0 * distance
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    print(epoch, loss.item(), (scores.argmax(1) == y[rows]).float().mean().item())
""",
    links=("https://arxiv.org/abs/1705.07115",),
    explains=("TRN*", "OPT013", "OPT007", "NUM002"),
    needs=("loss", "graph"),
    preview=True,
)
