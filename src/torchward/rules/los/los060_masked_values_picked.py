"""LOS060: the smallest or largest value of each row is always one that a mask had set to 0."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

LEAST_SAMPLES = 10
FIRST = 20
"""Step by which it was so: where a margin is kept in the end, what exceeds it is 0 for all."""
ALL = 0.99
"""Share of the rows, in each sampled step: a value that was not masked may be 0, too."""


def check(run: Run) -> Iterator[Finding]:
    for one in run.picked:
        masked = one.masked
        if len(masked) < LEAST_SAMPLES or masked.steps[0] > FIRST or min(masked.values) < ALL:
            continue
        yield Finding(
            "LOS060",
            data={
                "operation": one.operation,
                "shape": "x".join(map(str, one.shape)),
                "rows": one.rows,
                "share": one.share,
                "samples": len(masked),
                "filling": "inf" if one.operation in ("min", "amin") else "-inf",
            },
            place=at(one.site, masked),
            confidence=Confidence.LIKELY,
        )


RULE = Rule(
    code="LOS060",
    name="masked-values-picked",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "`{operation}` over masked values ({shape}) in the loss picks a masked one in every row that holds both ({rows} rows, "
        "{samples} sampled steps); {share:.0%} of the values are masked.",
        "损失中对带掩码的数值（{shape}）取 `{operation}`，在每个两种值都有的行里选中的都是被掩码的那个（{rows} 行，{samples} 个采样步）；"
        "被掩码的值占 {share:.0%}。",
    ),
    why=Text(
        "A value that a mask sets to 0 still takes part: it is smaller than every positive distance, and larger than every "
        "negative score. What is picked is the constant of the mask, so this part of the loss has no gradient and teaches nothing.",
        "被掩码置为 0 的值仍然参与比较：它比任何正的距离都小，比任何负的分数都大。选出来的只是掩码的常数，"
        "因此损失的这一部分没有梯度，什么也学不到。",
    ),
    fix=Text(
        "Mask with a number that is never picked: `values.masked_fill(~mask, float('{filling}'))` before `{operation}`.",
        "用一个不可能被选中的数作掩码：在 `{operation}` 之前使用 `values.masked_fill(~mask, float('{filling}'))`。",
    ),
    bad="""\
import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)
centres = 2.0 * torch.randn(60, 16)
encoder = nn.Sequential(nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, 16))
optimizer = torch.optim.Adam(encoder.parameters(), lr=1e-3)
for step in range(300):
    label = torch.randperm(60)[:10].repeat_interleave(4)
    e = F.normalize(encoder(centres[label] + torch.randn(40, 16)), dim=1)
    distance = torch.cdist(e, e)
    same = label[:, None] == label
    positive = (distance * same).max(1).values
    negative = (distance * ~same).min(1).values
    loss = F.relu(positive - negative + 0.3).mean()
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
centres = 2.0 * torch.randn(60, 16)
encoder = nn.Sequential(nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, 16))
optimizer = torch.optim.Adam(encoder.parameters(), lr=1e-3)
for step in range(300):
    label = torch.randperm(60)[:10].repeat_interleave(4)
    e = F.normalize(encoder(centres[label] + torch.randn(40, 16)), dim=1)
    distance = torch.cdist(e, e)
    same = label[:, None] == label
    positive = (distance * same).max(1).values
    negative = distance.masked_fill(same, float("inf")).min(1).values
    loss = F.relu(positive - negative + 0.3).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(loss.item())
""",
    links=("https://arxiv.org/abs/1703.07737",),
    explains=("TRN*", "LOS052"),
    needs=("loss", "graph"),
    preview=True,
)
