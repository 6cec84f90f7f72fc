"""LOS062: losses are multiplied by trained weights that nothing holds: training takes the weights to 0."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from torchward.facts import Run, Scaled
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

LOOKS = 5
"""Sampled steps."""
LEFT = 0.5
"""Of the weights, all of a loss together: more may be left of those that are put back, or that training began with
far from where they belong. Without anything that holds them, 0.001 to 0.3 are left after 200 to 4,000 steps."""


def check(run: Run) -> Iterator[Finding]:
    streams: dict[int, list[Scaled]] = defaultdict(list)
    for one in run.scaled:
        # A value that may be negative is no loss, but a constraint, say, whose weight falls where it is kept.
        if len(one.weight) >= LOOKS and min(one.least.values) >= 0:
            streams[one.stream].append(one)
    for found in streams.values():
        first = sum(one.weight.values[0] for one in found)
        last = sum(one.weight.values[-1] for one in found)
        if first <= 0 or last > LEFT * first:
            continue
        names = tuple(dict.fromkeys(f"`{one.parameter}`" for one in found if one.parameter))
        yield Finding(
            "LOS062",
            data={"names": names or ("?",), "first": first / len(found), "last": last / len(found)},
            place=at(found[0].site, found[0].weight),
            confidence=Confidence.LIKELY,
        )


RULE = Rule(
    code="LOS062",
    name="loss-weighted-away",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "The loss is multiplied by trained weights ({names}) that nothing else in it holds: they went from {first:.3g} to "
        "{last:.3g} on average.",
        "损失乘以了可训练的权重（{names}），而损失中没有任何其他项约束它们：其平均值从 {first:.3g} 变到了 {last:.3g}。",
    ),
    why=Text(
        "A loss that is never negative gets smaller with its weight, so the gradient pushes the weight down at every step. "
        "The loss falls because it counts for less; the model's own gradients shrink with it until training stands still.",
        "非负的损失会随其权重一起变小，因此每一步梯度都把权重往下推。损失下降只是因为它的分量变小了；模型自身的梯度也随之缩小，"
        "直到训练停滞。",
    ),
    fix=Text(
        "Add the term that grows as the weight shrinks: `0.5 * torch.exp(-log_var) * loss + 0.5 * log_var`; or give the "
        "weights a fixed sum, or fixed values.",
        "加上随权重减小而增大的那一项：`0.5 * torch.exp(-log_var) * loss + 0.5 * log_var`；或让权重之和固定，或直接使用固定权重。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(2000, 8)
heat = (x[:, 0] * x[:, 1]).tanh() + 0.1 * torch.randn(2000)
fault = (x[:, 2] + x[:, 3] ** 2 + 0.3 * torch.randn(2000) > 1).float()

trunk = nn.Sequential(nn.Linear(8, 48), nn.ReLU(), nn.Linear(48, 2))
log_var = nn.Parameter(torch.zeros(2))
optimizer = torch.optim.Adam([*trunk.parameters(), log_var], lr=5e-3)
for epoch in range(12):
    for rows in torch.randperm(2000).split(50):
        out = trunk(x[rows])
        errors = torch.stack(
            [
                nn.functional.mse_loss(out[:, 0], heat[rows]),
                nn.functional.binary_cross_entropy_with_logits(out[:, 1], fault[rows]),
            ]
        )
        loss = (torch.exp(-log_var) * errors).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item(), errors.tolist())
""",
    good="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(2000, 8)
heat = (x[:, 0] * x[:, 1]).tanh() + 0.1 * torch.randn(2000)
fault = (x[:, 2] + x[:, 3] ** 2 + 0.3 * torch.randn(2000) > 1).float()

trunk = nn.Sequential(nn.Linear(8, 48), nn.ReLU(), nn.Linear(48, 2))
log_var = nn.Parameter(torch.zeros(2))
optimizer = torch.optim.Adam([*trunk.parameters(), log_var], lr=5e-3)
for epoch in range(12):
    for rows in torch.randperm(2000).split(50):
        out = trunk(x[rows])
        errors = torch.stack(
            [
                nn.functional.mse_loss(out[:, 0], heat[rows]),
                nn.functional.binary_cross_entropy_with_logits(out[:, 1], fault[rows]),
            ]
        )
        loss = (torch.exp(-log_var) * errors + log_var).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item(), errors.tolist())
""",
    links=("https://arxiv.org/abs/1705.07115",),
    needs=("graph",),
)
