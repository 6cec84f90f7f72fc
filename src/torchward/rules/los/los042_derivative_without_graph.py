"""LOS042: the loss is made of a derivative that was taken without a graph, so no gradient passes through it."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

STEPS = 5
"""Sampled steps."""


def check(run: Run) -> Iterator[Finding]:
    for found in run.lost_derivatives:
        if found.steps >= STEPS and 2 * found.steps >= run.samples:
            yield Finding("LOS042", {"samples": found.steps}, at(found.site), Confidence.LIKELY)


RULE = Rule(
    code="LOS042",
    name="derivative-without-graph",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "`torch.autograd.grad` takes the derivative by an input without `create_graph=True`, and the loss is made of it "
        "({samples} steps looked at): no gradient passes through that part of the loss.",
        "`torch.autograd.grad` 对输入求导时没有设置 `create_graph=True`，而损失用到了这个导数（查看了 {samples} 步）："
        "梯度无法经过损失的这一部分。",
    ),
    why=Text(
        "Without a graph the derivative is a number like any other. The equation, the penalty or the force in the loss "
        "is computed and shown, but the weights are trained as if it were constant.",
        "没有计算图时，导数只是一个普通数值。损失中的方程残差、梯度惩罚或力照常计算和显示，但训练权重时它被当成常数。",
    ),
    fix=Text(
        "`torch.autograd.grad(u, x, torch.ones_like(u), create_graph=True)`; `retain_graph=True` alone only keeps the "
        "old graph.",
        "`torch.autograd.grad(u, x, torch.ones_like(u), create_graph=True)`；仅用 `retain_graph=True` 只是保留旧的计算图。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)
real = torch.randn(1000, 2) * 0.3 + torch.tensor([1.0, -1.0])
critic = nn.Sequential(nn.Linear(2, 32), nn.LeakyReLU(0.2), nn.Linear(32, 1))
optimizer = torch.optim.Adam(critic.parameters(), lr=1e-3)
for step in range(200):
    fake = torch.randn(64, 2)
    true = real[torch.randint(0, 1000, (64,))]
    mix = torch.rand(64, 1)
    between = (mix * true + (1 - mix) * fake).requires_grad_(True)
    score = critic(between)
    slope = torch.autograd.grad(score, between, torch.ones_like(score), retain_graph=True)[0]
    penalty = (slope.norm(dim=1) - 1).square().mean()
    loss = critic(fake).mean() - critic(true).mean() + 10 * penalty
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(loss.item(), penalty.item())
""",
    good="""\
import torch
from torch import nn

torch.manual_seed(0)
real = torch.randn(1000, 2) * 0.3 + torch.tensor([1.0, -1.0])
critic = nn.Sequential(nn.Linear(2, 32), nn.LeakyReLU(0.2), nn.Linear(32, 1))
optimizer = torch.optim.Adam(critic.parameters(), lr=1e-3)
for step in range(200):
    fake = torch.randn(64, 2)
    true = real[torch.randint(0, 1000, (64,))]
    mix = torch.rand(64, 1)
    between = (mix * true + (1 - mix) * fake).requires_grad_(True)
    score = critic(between)
    slope = torch.autograd.grad(score, between, torch.ones_like(score), create_graph=True)[0]
    penalty = (slope.norm(dim=1) - 1).square().mean()
    loss = critic(fake).mean() - critic(true).mean() + 10 * penalty
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(loss.item(), penalty.item())
""",
    links=("https://docs.pytorch.org/docs/stable/generated/torch.autograd.grad.html",),
    explains=("TRN*", "OPT007", "NUM002"),
    needs=("graph",),
    preview=True,
)
