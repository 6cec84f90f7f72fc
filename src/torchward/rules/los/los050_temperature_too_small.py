"""LOS050: the scores of a contrastive loss are so large that its softmax is a choice of one."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

LEAST_SAMPLES = 5
LARGE = 200.0
"""Largest score. Cosines divided by a temperature of 0.07 (Wu et al. 2018; MoCo) reach 14; CLIP, which learns its
temperature, clips it so that scores never exceed 100."""


def check(run: Run) -> Iterator[Finding]:
    for loss in run.losses:
        if not loss.training or loss.pairs < LEAST_SAMPLES or loss.prediction_max is None:
            continue
        if LARGE < loss.prediction_max < float("inf"):
            yield Finding(
                "LOS050",
                data={
                    "largest": loss.prediction_max,
                    "temperature": 1 / loss.prediction_max,
                    "batch": loss.classes or 0,
                },
                place=at(loss.site, loss.values),
                confidence=Confidence.LIKELY,
            )


RULE = Rule(
    code="LOS050",
    name="temperature-too-small",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "the scores of {batch} pairs given to `cross_entropy` go up to {largest}; of normalised embeddings that is a "
        "temperature of {temperature}.",
        "给 `cross_entropy` 的 {batch} 对样本的得分高达 {largest}；对归一化的嵌入来说，相当于温度为 {temperature}。",
    ),
    why=Text(
        "At such scores the softmax puts all weight on the one hardest negative. Gradients are either zero or as large as "
        "the scores are steep, and noise in a single example decides where a step goes.",
        "得分这么大时，softmax 把全部权重放在唯一最难的负样本上。梯度要么为零，要么大得惊人，单个样本的噪声就决定了更新方向。",
    ),
    fix=Text(
        "Normalise the embeddings and divide by a temperature of 0.05 to 0.5: `scores = F.normalize(a, dim=1) @ "
        "F.normalize(b, dim=1).T / 0.1`. If the temperature is learned, bound it: `logit_scale.clamp(max=4.6).exp()`.",
        "归一化嵌入，并除以 0.05 到 0.5 的温度：`scores = F.normalize(a, dim=1) @ F.normalize(b, dim=1).T / 0.1`。"
        "若温度是学习的，请加上界：`logit_scale.clamp(max=4.6).exp()`。",
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
    scores = a @ b.T / 0.001
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
    links=("https://arxiv.org/abs/2002.05709", "https://arxiv.org/abs/2012.09740"),
    explains=("OPT007", "OPT013", "NUM002", "TRN001", "TRN004", "LOS007"),
    needs=("loss",),
)
