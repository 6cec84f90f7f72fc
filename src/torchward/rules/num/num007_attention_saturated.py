"""NUM007: attention that looks at one position only, before anything was learned."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Attention, Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

PEAKED = 0.5
"""Share of the rows with one weight above 0.99, in each of the first steps. Measured on 100,000 rows of normal scores:
with a deviation of 1, as scaling gives at the start, none of 4 positions or more has one; with a deviation of 10, 58 % of
the rows of 4 positions, 47 % of 8, 33 % of 32; with 20, 77 % to 60 %."""
SCALE, DEVIATION = 4.0, 2.0
"""Scores so many times too large, and so far apart. Without any scaling the first is the root of the size of a head; with
it, weights as torch draws them give normalised inputs scores of a deviation below 1, and attention with queries and keys of
length 1 has factors of 10 on purpose (Liu et al. 2022), which are no products of linear layers as they stand."""


def check(run: Run) -> Iterator[Finding]:
    if any(parameter.loaded for parameter in run.parameters):
        return  # what was trained before may have learned to look at one position
    found = [one for one in run.attention if one.peaked and (min(one.peaked.values) > PEAKED or _too_large(one))]
    if not found:
        return
    first = found[0]
    model = next((model for model in run.models if model.in_trainings), None)
    yield Finding(
        "NUM007",
        data={
            "layers": tuple(one.layer for one in found[:8]),
            "count": len(found),
            "share": min(first.peaked.values),
            "positions": first.positions,
            "deviation": min(first.deviation.values) if first.deviation else "?",
            "scale": first.scale if first.scale is not None else "?",
        },
        place=at(model.site if model is not None else None, first.peaked, module=first.layer),
        confidence=Confidence.LIKELY,
    )


def _too_large(attention: Attention) -> bool:
    if attention.scale is None or not attention.deviation:
        return False
    return attention.scale >= SCALE and min(attention.deviation.values) >= DEVIATION


RULE = Rule(
    code="NUM007",
    name="attention-saturated",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "From the first step on, the attention scores behind {layers} deviate by {deviation} within a row, and {share:.0%} of "
        "the rows put more than 0.99 of their weight on one of {positions} positions ({count} layer(s)); the scores are {scale} "
        "times `q @ k / sqrt(size)`.",
        "从第一步起，{layers} 之后的注意力分数在一行内的标准差就有 {deviation}，{share:.0%} 的行把超过 0.99 的权重放在 {positions} "
        "个位置中的一个上（共 {count} 层）；分数是 `q @ k / sqrt(size)` 的 {scale} 倍。",
    ),
    why=Text(
        "A softmax that is this sure has next to no slope, so the layers that make queries and keys get next to no "
        "gradient and stay as they were drawn. Scores grow with the number of features that they are summed over; "
        "that is what the division by its root is for.",
        "如此确定的 softmax 几乎没有斜率，产生 query 和 key 的层因此几乎得不到梯度，一直停留在初始值。"
        "分数随求和的特征数增大，除以其平方根正是为此。",
    ),
    fix=Text(
        "Scale the scores: `scores = q @ k.transpose(-2, -1) / q.shape[-1] ** 0.5`, or use "
        "`F.scaled_dot_product_attention(q, k, v)`; keep inputs and initial weights at a deviation of about 1 and "
        "`1 / sqrt(features)`.",
        "缩放分数：`scores = q @ k.transpose(-2, -1) / q.shape[-1] ** 0.5`，或使用 `F.scaled_dot_product_attention(q, k, v)`；"
        "让输入的标准差约为 1，初始权重的标准差约为 `1 / sqrt(features)`。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)


class Attention(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.q, self.k, self.v = (nn.Linear(width, width) for _ in range(3))
        for layer in (self.q, self.k):
            nn.init.normal_(layer.weight, std=0.4)

    def forward(self, x):
        scores = self.q(x) @ self.k(x).transpose(-2, -1)
        return x + scores.softmax(-1) @ self.v(x)


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.tokens, self.places = nn.Embedding(30, 64), nn.Embedding(16, 64)
        self.attention = Attention(64)
        self.head = nn.Linear(64, 3)

    def forward(self, ids):
        x = self.tokens(ids) + self.places(torch.arange(16))
        return self.head(self.attention(x)[:, 0])


ids = torch.randint(0, 30, (1000, 16))
labels = (ids[:, 0] > 15).long() + (ids[:, 3] > 15).long()
model = Model()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(10):
    for rows in torch.randperm(1000).split(50):
        loss = nn.functional.cross_entropy(model(ids[rows]), labels[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    good="""\
import torch
from torch import nn

torch.manual_seed(0)


class Attention(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.q, self.k, self.v = (nn.Linear(width, width) for _ in range(3))

    def forward(self, x):
        scores = self.q(x) @ self.k(x).transpose(-2, -1) / x.shape[-1] ** 0.5
        return x + scores.softmax(-1) @ self.v(x)


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.tokens, self.places = nn.Embedding(30, 64), nn.Embedding(16, 64)
        self.attention = Attention(64)
        self.head = nn.Linear(64, 3)

    def forward(self, ids):
        x = self.tokens(ids) + self.places(torch.arange(16))
        return self.head(self.attention(x)[:, 0])


ids = torch.randint(0, 30, (1000, 16))
labels = (ids[:, 0] > 15).long() + (ids[:, 3] > 15).long()
model = Model()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(10):
    for rows in torch.randperm(1000).split(50):
        loss = nn.functional.cross_entropy(model(ids[rows]), labels[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    links=("https://arxiv.org/abs/1706.03762",),
    explains=("TRN001", "TRN002", "TRN004", "NUM003"),
    needs=("graph",),
    preview=True,
)
