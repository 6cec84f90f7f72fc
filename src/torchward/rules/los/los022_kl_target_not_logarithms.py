"""LOS022: `kl_div` is told that its target are logarithms, and is given probabilities."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Finding, Rule, Severity, Text
from torchward.rules._at import at

MINIMUM_SAMPLES = 3


def check(run: Run) -> Iterator[Finding]:
    for loss in run.losses:
        if loss.kind != "kl_div" or not loss.training or len(loss.values) < MINIMUM_SAMPLES or not loss.log_target:
            continue
        low, high = loss.target_min, loss.target_max
        # A logarithm of 0 is a probability of 1: only targets above that, or none below, are not logarithms.
        if low is None or high is None or low < 0 or high <= 0:
            continue
        yield Finding(
            "LOS022",
            data={"low": low, "high": high, "samples": len(loss.values)},
            place=at(loss.site, loss.values),
        )


RULE = Rule(
    code="LOS022",
    name="kl-target-not-logarithms",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "`kl_div` is called with `log_target=True`, but its target lies in {low} to {high}: these are "
        "probabilities, not their logarithms.",
        "`kl_div` 以 `log_target=True` 调用，但目标取值在 {low} 到 {high}：这是概率，而不是对数概率。",
    ),
    why=Text(
        "It takes the exponential of each target, so that every class counts at least 1: what is minimised is not"
        " a divergence, and its minimum lies elsewhere.",
        "它会对每个目标取指数，于是每个类别的权重都至少为 1：最小化的不再是散度，最小值也在别处。",
    ),
    fix=Text(
        "Leave `log_target` out for probabilities, or give `target.log()`; for a distribution from scores, "
        "`F.log_softmax(scores, dim=1)`.",
        "目标是概率时去掉 `log_target`，或传入 `target.log()`；由得分得到分布时用 `F.log_softmax(scores, dim=1)`。",
    ),
    bad="""\
import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)
x = torch.randn(1000, 10)
teacher = torch.softmax(x @ torch.randn(10, 4), dim=1)
student = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 4))
optimizer = torch.optim.Adam(student.parameters(), lr=3e-3)
divergence = nn.KLDivLoss(reduction="batchmean", log_target=True)
for epoch in range(8):
    for rows in torch.randperm(1000).split(40):
        loss = divergence(F.log_softmax(student(x[rows]), dim=1), teacher[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    good="""\
import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)
x = torch.randn(1000, 10)
teacher = torch.softmax(x @ torch.randn(10, 4), dim=1)
student = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 4))
optimizer = torch.optim.Adam(student.parameters(), lr=3e-3)
divergence = nn.KLDivLoss(reduction="batchmean")
for epoch in range(8):
    for rows in torch.randperm(1000).split(40):
        loss = divergence(F.log_softmax(student(x[rows]), dim=1), teacher[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    links=("https://docs.pytorch.org/docs/stable/generated/torch.nn.KLDivLoss.html",),
    explains=("TRN*", "OPT007"),
    needs=("loss",),
    preview=True,
)
