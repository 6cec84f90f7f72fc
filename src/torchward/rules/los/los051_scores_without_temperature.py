"""LOS051: cosines are given to a contrastive loss as they are, so it cannot get far below a guess."""

from __future__ import annotations

import math
from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

LEAST_SAMPLES = 8
LEAST_BATCH = 16
NEAR_ONE = (0.5, 1.001)
"""Where the largest score lies if scores are cosines."""
USED = 0.5
"""Share of the way from a guess to the least loss that scores of so small a range allow: smaller scores that the loss
has come so far with are bounded (cosines times a temperature), not just young."""


def check(run: Run) -> Iterator[Finding]:
    for loss in run.losses:
        largest, batch = loss.prediction_max, loss.classes or 0
        if not loss.training or loss.pairs < LEAST_SAMPLES or batch < LEAST_BATCH or largest is None:
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
            data={
                "largest": largest,
                "batch": batch,
                "floor": floor,
                "guess": guess,
                "loss": loss.values.values[-1],
            },
            place=at(loss.site, loss.values),
            confidence=Confidence.LIKELY,
        )


RULE = Rule(
    code="LOS051",
    name="scores-without-temperature",
    severity=Severity.HINT,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "the scores of {batch} pairs are at most {largest}: this contrastive loss cannot fall below {floor}, however good "
        "the embeddings are (a guess has {guess}; it is {loss} now).",
        "{batch} 对样本的得分最大只有 {largest}：无论嵌入多好，这个对比损失都不可能低于 {floor}（瞎猜为 {guess}；现在是 {loss}）。",
    ),
    why=Text(
        "A softmax over cosines is nearly flat, so every negative pulls alike and the hard ones hardly count. A loss that "
        "stands still says nothing of the embeddings either.",
        "对余弦值做 softmax 几乎是平的，所有负样本的作用差不多，难负样本几乎不起作用。停滞不动的损失也反映不出嵌入的好坏。",
    ),
    fix=Text(
        "Divide the cosines by a temperature: `loss = F.cross_entropy(a @ b.T / 0.1, target)`.",
        "把余弦值除以温度：`loss = F.cross_entropy(a @ b.T / 0.1, target)`。",
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
    links=("https://arxiv.org/abs/2002.05709",),
    explains=("TRN001",),
    needs=("loss",),
)
