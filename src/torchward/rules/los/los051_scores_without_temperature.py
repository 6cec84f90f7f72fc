"""LOS051: cosines are given to a contrastive loss as they are, so it cannot get far below a guess."""

from __future__ import annotations

import math
from collections.abc import Iterator

from torchward.facts import Run, Series
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

LEAST_SAMPLES = 8
LEAST_BATCH = 16
NEAR_ONE = (0.5, 1.001)
"""Where the largest score lies if scores are cosines."""
USED = 0.5
"""Share of the way from a guess to the least loss that scores of so small a range allow: smaller scores that the loss
has come so far with are bounded (cosines times a temperature), not just young."""
UNEVEN = 0.01
"""Of the lengths of vectors, as a share: half precision rounds each value by 0.4 % at most."""
SMALL = 0.75
"""Largest score that is far below any in use: cosines are multiplied with 1 to 100 (SimCLR 2 to 20, MoCo 14 or 5, CLIP
14 to 100, NormFace and ArcFace 10 to 64), which is a temperature of 1 to 0.01. A temperature of 0.5 that they are
multiplied with leaves 0.5."""
OUTSIDE = 1.05
"""A row's scores that differ by more than twice the bound, times this, have something else in them."""
FAR = 0.3
"""Least loss that cosines as they stand allow, as a share of that of a guess, from which on this is worth a word: 0.35
for 10 choices, 0.54 for 64; 0.11 for two, whom a softmax of cosines tells apart well enough."""
LEAST_CHOICES = 8
GROWING = 1.1
"""A bound that has grown so far may yet become large: while the run goes on nothing is said of it."""


def check(run: Run) -> Iterator[Finding]:
    told, proven = set(), set()
    for scores in run.bounded:
        last = scores.bound.values[-1]
        even = all(value <= UNEVEN for value in scores.uneven.values) and scores.choices > 1
        if (
            not even
            or len(scores.bound) < LEAST_SAMPLES
            or max(map(_over, scores.width.values, scores.bound.values)) > OUTSIDE
        ):
            continue
        proven.add(scores.loss)
        if not run.ended and last > GROWING * scores.bound.values[0]:
            continue
        guess, floor = math.log(scores.choices), math.log1p((scores.choices - 1) * math.exp(-2 * last))
        far = floor > FAR * guess
        small = last < SMALL and far
        late = far and _half_of_the_way(scores.bound) < SMALL and last <= NEAR_ONE[1]
        used = max(scores.width.values) > USED * 2 * last and scores.choices >= LEAST_CHOICES and far
        if scores.stream in told or not (small or late or (last <= NEAR_ONE[1] and used)):
            continue
        told.add(scores.stream)
        data = {"largest": last, "batch": scores.choices, "floor": floor, "guess": guess}
        yield Finding(
            "LOS051",
            data=data,
            place=at(scores.site, scores.bound),
            confidence=Confidence.LIKELY,
            severity=Severity.WARNING if small else None,
        )
    for loss in run.losses:
        largest, batch = loss.prediction_max, loss.classes or 0
        if not loss.training or loss.pairs < LEAST_SAMPLES or batch < LEAST_BATCH or largest is None:
            continue
        if loss.index in proven:
            continue
        # Scores of an example with itself are often set to a huge negative number.
        least = loss.prediction_min if loss.prediction_min is not None else 0.0
        if largest > NEAR_ONE[1] or -1e4 < least < -NEAR_ONE[1]:
            continue
        guess, reach = math.log(batch), largest - (least if least > -1e4 else -largest)
        floor = math.log1p((batch - 1) * math.exp(-reach))
        if largest < NEAR_ONE[0] and not guess - loss.values.values[-1] > USED * (guess - floor) > 0:
            continue
        yield Finding(
            "LOS051",
            data={"largest": largest, "batch": batch, "floor": floor, "guess": guess},
            place=at(loss.site, loss.values),
            confidence=Confidence.LIKELY,
        )


def _over(width: float, bound: float) -> float:
    """NaN, too, is too much."""
    return width / (2 * bound) if bound > 0 and math.isfinite(width) else math.inf


def _half_of_the_way(series: Series) -> float:
    """The value at half of the steps."""
    middle = (series.steps[0] + series.steps[-1]) / 2
    return next(value for step, value in zip(series.steps, series.values, strict=True) if step >= middle)


RULE = Rule(
    code="LOS051",
    name="scores-without-temperature",
    severity=Severity.HINT,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "the scores of {batch} candidates are at most {largest}: this loss cannot fall below {floor}, however good the "
        "embeddings are (a guess has {guess}).",
        "{batch} 个候选的得分最大只有 {largest}：无论嵌入多好，这个损失都不可能低于 {floor}（瞎猜为 {guess}）。",
    ),
    why=Text(
        "A softmax over cosines is nearly flat, and the more so the smaller the factor they are multiplied with: every "
        "negative pulls alike and the hard ones hardly count. A loss that stands still says nothing of the embeddings "
        "either.",
        "对余弦值做 softmax 几乎是平的，所乘的系数越小就越平：所有负样本的作用差不多，难负样本几乎不起作用。"
        "停滞不动的损失也反映不出嵌入的好坏。",
    ),
    fix=Text(
        "Divide the cosines by a temperature: `loss = F.cross_entropy(a @ b.T / 0.1, target)`. A scale that is learned as "
        "a logarithm starts at `math.log(1 / 0.07)`, not `math.log(0.07)`.",
        "把余弦值除以温度：`loss = F.cross_entropy(a @ b.T / 0.1, target)`。以对数形式学习的缩放系数应从 "
        "`math.log(1 / 0.07)` 开始，而不是 `math.log(0.07)`。",
    ),
    bad="""\
import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)
centres = 2.0 * torch.randn(200, 16)
encoder = nn.Sequential(nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, 32))
optimizer = torch.optim.Adam(encoder.parameters(), lr=1e-3)
for step in range(300):
    x = centres[torch.randperm(200)[:64]]
    a = F.normalize(encoder(x + 0.3 * torch.randn_like(x)), dim=1)
    b = F.normalize(encoder(x + 0.3 * torch.randn_like(x)), dim=1)
    scores = a @ b.T
    loss = F.cross_entropy(scores, torch.arange(64))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(loss.item())
""",
    good="""\
import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)
centres = 2.0 * torch.randn(200, 16)
encoder = nn.Sequential(nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, 32))
optimizer = torch.optim.Adam(encoder.parameters(), lr=1e-3)
for step in range(300):
    x = centres[torch.randperm(200)[:64]]
    a = F.normalize(encoder(x + 0.3 * torch.randn_like(x)), dim=1)
    b = F.normalize(encoder(x + 0.3 * torch.randn_like(x)), dim=1)
    scores = a @ b.T / 0.1
    loss = F.cross_entropy(scores, torch.arange(64))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(loss.item())
""",
    links=("https://arxiv.org/abs/2002.05709", "https://arxiv.org/abs/1704.06369"),
    explains=("TRN001", "TRN004"),
    needs=("loss",),
)
