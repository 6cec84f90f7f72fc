"""LOS066: a term that is to keep weights near older ones compares them with themselves."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

PASSES, STEPS = 5, 20
"""Sampled passes in all of which nothing has moved away, and steps of the optimizer between the first and the last."""


def check(run: Run) -> Iterator[Finding]:
    for pull in run.pulls:
        steps = pull.last_step - pull.first_step
        if pull.zero == pull.passes >= PASSES and steps >= STEPS:
            yield Finding(
                "LOS066",
                data={"weights": pull.weights, "passes": pull.passes, "steps": steps},
                place=at(pull.site),
                confidence=Confidence.LIKELY,
            )
            return


RULE = Rule(
    code="LOS066",
    name="kept-near-themselves",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "The loss has terms that grow with the distance of {weights} weights from where they were; in all {passes} passes looked "
        "at, over {steps} steps, this distance was exactly 0.",
        "损失中有随 {weights} 个权重偏离旧值的距离而增大的项；在查看的全部 {passes} 次反向传播中（跨越 {steps} 步），该距离始终恰好为 0。",
    ),
    why=Text(
        "What the weights are compared with shares their memory: `p.detach()` and `p.data` are not copies, so they move along "
        "with each step. The term is 0 for ever, and nothing holds the weights.",
        "与权重作比较的张量和权重共用同一块内存：`p.detach()` 与 `p.data` 都不是副本，会随每一步一起变化。该项永远为 0，什么也约束不了。",
    ),
    fix=Text(
        "Copy them when the first task is done: `anchor = {{name: p.detach().clone() for name, p in model.named_parameters()}}`.",
        "在第一个任务结束时复制一份：`anchor = {{name: p.detach().clone() for name, p in model.named_parameters()}}`。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(800, 8)
first, second = (x @ torch.randn(8, 3)).argmax(1), (x @ torch.randn(8, 3)).argmax(1)
model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 3))


def train(labels, anchor):
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for step in range(250):
        rows = torch.randint(0, 800, (64,))
        loss = nn.functional.cross_entropy(model(x[rows]), labels[rows])
        if anchor is not None:
            loss = loss + 0.05 * sum((p - anchor[name]).pow(2).sum() for name, p in model.named_parameters())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(loss.item())


train(first, None)
train(second, {name: p.detach() for name, p in model.named_parameters()})
""",
    good="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(800, 8)
first, second = (x @ torch.randn(8, 3)).argmax(1), (x @ torch.randn(8, 3)).argmax(1)
model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 3))


def train(labels, anchor):
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for step in range(250):
        rows = torch.randint(0, 800, (64,))
        loss = nn.functional.cross_entropy(model(x[rows]), labels[rows])
        if anchor is not None:
            loss = loss + 0.05 * sum((p - anchor[name]).pow(2).sum() for name, p in model.named_parameters())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(loss.item())


train(first, None)
train(second, {name: p.detach().clone() for name, p in model.named_parameters()})
""",
    links=(
        "https://docs.pytorch.org/docs/stable/generated/torch.Tensor.detach.html",
        "https://arxiv.org/abs/1612.00796",
    ),
    explains=("TRN013",),
    needs=("loss",),
    preview=True,
)
