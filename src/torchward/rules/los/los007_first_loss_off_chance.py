"""LOS007: the very first loss is far above that of a model which knows nothing."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import ChanceProbe
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

FAR = 2.0
"""Times chance (plus 1): "verify loss @ init" (Karpathy, A Recipe for Training Neural Networks, 2019). Layers as torch
initialises them give scores with a deviation below 1, hence a first loss within half a unit of chance."""
VERY_FAR = 5.0
SCORES = 2.0
"""Deviation of the scores above which they, and not odd targets, are the reason."""


def check(probe: ChanceProbe) -> Iterator[Finding]:
    if probe.pretrained or not probe.chance or probe.output_std < SCORES:
        return
    if not FAR * probe.chance + 1 < probe.first_loss < float("inf"):
        return
    yield Finding(
        "LOS007",
        data={
            "model": probe.model,
            "loss": probe.loss_kind,
            "first_loss": probe.first_loss,
            "chance": probe.chance,
            "classes": probe.classes,
            "deviation": probe.output_std,
        },
        place=at(probe.site),
        confidence=Confidence.LIKELY,
        severity=Severity.WARNING if probe.first_loss > VERY_FAR * probe.chance + 1 else Severity.HINT,
    )


RULE = Rule(
    code="LOS007",
    name="first-loss-off-chance",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "the first loss of `{model}` is {first_loss}; guessing among {classes} classes costs {chance}. Its raw scores "
        "have a deviation of {deviation} before any training.",
        "`{model}` 的第一个损失为 {first_loss}，而在 {classes} 个类别中盲猜的损失只有 {chance}：训练之前其原始得分的标准差就达到 {deviation}。",
    ),
    why=Text(
        "An untrained model that is this sure of wrong answers spends its first steps on shrinking its scores, with "
        "large gradients from a saturated softmax. It comes from unscaled inputs, from weights initialised too large, "
        "or from a missing scale (`1 / sqrt(d)`, a temperature).",
        "一个未经训练却对错误答案如此确信的模型，最初的训练步都花在压低得分上，而且饱和的 softmax 会产生很大的梯度。"
        "原因可能是输入没有缩放、权重初值过大，或漏掉了缩放因子（`1 / sqrt(d)`、温度）。",
    ),
    fix=Text(
        "Bring the inputs to unit scale, keep torch's own initialisation, or make the last layer small: "
        "`nn.init.normal_(head.weight, std=0.02)`.",
        "把输入缩放到单位尺度，保留 torch 的默认初始化，或者让最后一层的初值更小：`nn.init.normal_(head.weight, std=0.02)`。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)


class Tagger(nn.Module):
    def __init__(self, words=200, tags=12, width=64):
        super().__init__()
        self.embedding = nn.Embedding(words, width)
        self.mix = nn.Linear(width, width)
        self.out = nn.Linear(width, tags)
        for parameter in self.parameters():
            nn.init.normal_(parameter)

    def forward(self, tokens):
        return self.out(torch.relu(self.mix(self.embedding(tokens))))


tokens = torch.randint(0, 200, (400, 10))
tags = tokens % 12
tagger = Tagger()
optimizer = torch.optim.Adam(tagger.parameters(), lr=1e-2)
for epoch in range(20):
    for rows in torch.randperm(400).split(40):
        loss = nn.functional.cross_entropy(tagger(tokens[rows]).flatten(0, 1), tags[rows].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
""",
    good="""\
import torch
from torch import nn

torch.manual_seed(0)


class Tagger(nn.Module):
    def __init__(self, words=200, tags=12, width=64):
        super().__init__()
        self.embedding = nn.Embedding(words, width)
        self.mix = nn.Linear(width, width)
        self.out = nn.Linear(width, tags)

    def forward(self, tokens):
        return self.out(torch.relu(self.mix(self.embedding(tokens))))


tokens = torch.randint(0, 200, (400, 10))
tags = tokens % 12
tagger = Tagger()
optimizer = torch.optim.Adam(tagger.parameters(), lr=1e-2)
for epoch in range(20):
    for rows in torch.randperm(400).split(40):
        loss = nn.functional.cross_entropy(tagger(tokens[rows]).flatten(0, 1), tags[rows].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
""",
    links=("https://karpathy.github.io/2019/04/25/recipe/", "https://docs.pytorch.org/docs/stable/nn.init.html"),
    needs=("probes", "loss"),
)
