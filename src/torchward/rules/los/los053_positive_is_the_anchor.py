"""LOS053: each example of a contrastive loss is its own positive."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Finding, Rule, Severity, Text
from torchward.rules._at import at

LEAST_SAMPLES = 5
SAME = 1e-5
"""Asymmetry, as a share of the largest score: rounding. Of two different views it is 0.01 and more even where they agree."""
LEAST_STEPS = 20
NEAR = 1e-4
"""Largest difference from the nearer of two partners, as a share of that from the other: rounding, and the 1e-6 that
torch adds to differences. Two different examples are 0.1 and more apart."""


def check(run: Run) -> Iterator[Finding]:
    for loss in run.losses:
        if not loss.training or loss.asymmetry is None or loss.own_pairs < max(LEAST_SAMPLES, loss.pairs):
            continue
        if loss.asymmetry < SAME:
            yield Finding(
                "LOS053",
                data={
                    "batch": loss.classes or 0,
                    "calls": loss.own_pairs,
                    "loss": loss.values.values[-1],
                    "seen": "scores == scores.T, target == arange(n)",
                },
                place=at(loss.site, loss.values),
            )
    for pair in run.partners:
        near = pair.nearest
        if len(near) < LEAST_SAMPLES or near.steps[-1] - near.steps[0] < LEAST_STEPS or max(near.values) >= NEAR:
            continue
        yield Finding(
            "LOS053",
            data={
                "batch": pair.rows,
                "calls": len(near),
                "loss": pair.loss,
                "seen": "max |anchor - partner| == 0",
            },
            place=at(pair.site, near),
        )


RULE = Rule(
    code="LOS053",
    name="positive-is-the-anchor",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "in all {calls} batches looked at, each of {batch} examples is compared with itself where it is to be compared with "
        "another view or example: `{seen}`.",
        "在查看的 {calls} 个批次中，{batch} 个样本都是在与自己比较，而不是与另一个视图或样本比较：`{seen}`。",
    ),
    why=Text(
        "An embedding always is most like itself, so the task is solved without learning what two views of an example have "
        "in common. The loss ({loss}) only drives all examples apart.",
        "嵌入总是与自己最相似，因此不必学习同一样本的两个视图有何共同之处就能解决任务。这个损失（{loss}）只是把所有样本推开。",
    ),
    fix=Text(
        "Score one view against the other: `a, b = encoder(augment(x)), encoder(augment(x))` and `scores = a @ b.T`, with the "
        "augmentation drawn twice; for scores within one batch, mask the diagonal and make the partner the target; "
        "in a triplet, draw the positive among the other examples of the class.",
        "用一个视图对另一个视图打分：`a, b = encoder(augment(x)), encoder(augment(x))`，`scores = a @ b.T`，增强要采样两次；"
        "若在同一批次内打分，应屏蔽对角线并以配对样本为目标；在三元组中，正样本应从同类的其他样本中抽取。",
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
    scores = a @ a.T / 0.1
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
    explains=("LOS051",),
    needs=("loss",),
)
