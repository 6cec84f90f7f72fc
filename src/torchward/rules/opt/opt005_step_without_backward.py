"""OPT005: optimizer steps with no backward pass before them."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Optimizer, Run, Series
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

STEPS = 20
"""Steps without a gradient of their own that must have been counted."""
ALWAYS = 0.9
OFTEN = 0.3
"""Share of them. A last step at the end of each epoch, for what accumulation left over, stays far below."""
EQUAL = 1e-3
"""Relative difference below which gradient norms count as the same number (the log keeps four digits)."""


def check(run: Run) -> Iterator[Finding]:
    for optimizer in run.optimizers:
        idle = optimizer.steps_without_backward
        if idle < STEPS or idle < OFTEN * optimizer.steps or _is_given_by_hand(run, optimizer):
            continue
        always = idle >= ALWAYS * optimizer.steps
        yield Finding(
            "OPT005",
            {
                "optimizer": optimizer.kind,
                "idle": idle,
                "steps": optimizer.steps,
                "backwards": run.backwards,
            },
            at(optimizer.site, first=optimizer.first_step),
            Confidence.CERTAIN if always else Confidence.LIKELY,
            None if always else Severity.WARNING,
        )


def _is_given_by_hand(run: Run, optimizer: Optimizer) -> bool:
    """Gradients that change without a backward pass were computed some other way (evolution strategies, a server)."""
    if optimizer.steps_without_backward < ALWAYS * optimizer.steps:
        return False
    own = [parameter.grad_norm for parameter in run.parameters if optimizer.index in parameter.optimizers]
    return any(map(_changes, [optimizer.gradient_norm, *own]))


def _changes(series: Series) -> bool:
    norms = [norm for norm in series.values if norm > 0]
    return len(norms) > 1 and max(norms) - min(norms) > EQUAL * max(norms)


RULE = Rule(
    code="OPT005",
    name="step-without-backward",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "{idle} of the {steps} steps of the {optimizer} had no backward pass before them ({backwards} backward passes "
        "in the whole run).",
        "{optimizer} 的 {steps} 步中，有 {idle} 步之前没有反向传播（整个运行共 {backwards} 次反向传播）。",
    ),
    why=Text(
        "A step uses what the last backward pass left in `.grad`. Without a new one it either does nothing or applies "
        "the "
        "same old gradient (and the momentum) again.",
        "更新用的是上一次反向传播留在 `.grad` 里的结果。没有新的反向传播时，它要么什么都不做，"
        "要么把旧的梯度（和动量）再用一遍。",
    ),
    fix=Text(
        "Compute gradients before each step, and step once for each:\n"
        "    optimizer.zero_grad()\n    loss.backward()\n    optimizer.step()",
        "每次更新之前先计算梯度，每次只更新一步：\n    optimizer.zero_grad()\n    loss.backward()\n    "
        "optimizer.step()",
    ),
    bad="""\
import torch
import torch.nn.functional as F

torch.manual_seed(0)
data = torch.randn(500, 6)
target = (data.sum(dim=1) > 0).long()

net = torch.nn.Sequential(torch.nn.Linear(6, 20), torch.nn.ReLU(), torch.nn.Linear(20, 2))
opt = torch.optim.SGD(net.parameters(), lr=0.1)

for epoch in range(20):
    total = 0.0
    order = torch.randperm(500)
    for start in range(0, 500, 50):
        rows = order[start : start + 50]
        opt.zero_grad()
        loss = F.cross_entropy(net(data[rows]), target[rows])
        total += loss.detach()
        opt.step()
    print(epoch, float(total) / 10)
""",
    good="""\
import torch
import torch.nn.functional as F

torch.manual_seed(0)
data = torch.randn(500, 6)
target = (data.sum(dim=1) > 0).long()

net = torch.nn.Sequential(torch.nn.Linear(6, 20), torch.nn.ReLU(), torch.nn.Linear(20, 2))
opt = torch.optim.SGD(net.parameters(), lr=0.1)

for epoch in range(20):
    total = 0.0
    order = torch.randperm(500)
    for start in range(0, 500, 50):
        rows = order[start : start + 50]
        opt.zero_grad()
        loss = F.cross_entropy(net(data[rows]), target[rows])
        loss.backward()
        total += loss.detach()
        opt.step()
    print(epoch, float(total) / 10)
""",
    links=(
        "https://docs.pytorch.org/docs/stable/optim.html#taking-an-optimization-step",
        "https://docs.pytorch.org/docs/stable/generated/torch.Tensor.backward.html",
    ),
    explains=("OPT003", "OPT008", "OPT014", "TRN*", "MEM*"),
    needs=("optimizer",),
)
