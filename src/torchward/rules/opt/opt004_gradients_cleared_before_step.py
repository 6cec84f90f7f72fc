"""OPT004: gradients that are cleared after the backward pass and before the step that should use them."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Finding, Rule, Severity, Text
from torchward.rules._at import at

CYCLES = 3
"""Stretches between two steps in which it must have been seen."""
SHARE = 0.8
"""... and their share: gradients that are thrown away now and then (a bad batch) are no bug."""


def check(run: Run) -> Iterator[Finding]:
    for optimizer in run.optimizers:
        late, checked = optimizer.cycles_cleared_late, optimizer.cycles_checked
        if late < CYCLES or late < SHARE * checked:
            continue
        place = next(iter(optimizer.late_zero_sites), optimizer.site)
        yield Finding(
            "OPT004",
            {"optimizer": optimizer.kind, "late": late, "checked": max(checked, late)},
            at(place, first=optimizer.first_step),
        )


RULE = Rule(
    code="OPT004",
    name="gradients-cleared-before-step",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "Gradients are cleared between backward and step: at {late} of {checked} steps looked at, the {optimizer} "
        "found "
        "none left.",
        "梯度在反向传播之后、更新之前被清零：检查过的 {checked} 步中，有 {late} 步 {optimizer} 已经没有梯度可用。",
    ),
    why=Text(
        "The step has nothing to go by: plain SGD and Adam leave every weight as it was, and weight decay and momentum "
        "act alone. The model does not learn, whatever the loss says.",
        "更新时没有梯度可用：SGD 和 Adam 不会改变任何权重，只剩权重衰减和动量在起作用。不管损失是多少，"
        "模型都学不到东西。",
    ),
    fix=Text(
        "Move the clearing before the backward pass (or behind the step):\n"
        "    optimizer.zero_grad()\n    loss.backward()\n    optimizer.step()",
        "把清零移到反向传播之前（或更新之后）：\n    optimizer.zero_grad()\n    loss.backward()\n    optimizer.step()",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)


class Regressor(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.hidden = nn.Linear(features, 24)
        self.out = nn.Linear(24, 1)

    def forward(self, x):
        return self.out(torch.relu(self.hidden(x))).squeeze(1)


def train(model, x, y, steps=200, batch=50):
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    loss_fn = nn.MSELoss()
    for step in range(steps):
        rows = torch.randperm(len(x))[:batch]
        loss = loss_fn(model(x[rows]), y[rows])
        loss.backward()
        optimizer.zero_grad()
        optimizer.step()
        if step % 40 == 0:
            print(f"step {step:4d}  mse {loss.item():.4f}")


x = torch.randn(600, 8)
y = x @ torch.randn(8) / 3 + 0.05 * torch.randn(600)
train(Regressor(8), x, y)
""",
    good="""\
import torch
from torch import nn

torch.manual_seed(0)


class Regressor(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.hidden = nn.Linear(features, 24)
        self.out = nn.Linear(24, 1)

    def forward(self, x):
        return self.out(torch.relu(self.hidden(x))).squeeze(1)


def train(model, x, y, steps=200, batch=50):
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    loss_fn = nn.MSELoss()
    for step in range(steps):
        rows = torch.randperm(len(x))[:batch]
        loss = loss_fn(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 40 == 0:
            print(f"step {step:4d}  mse {loss.item():.4f}")


x = torch.randn(600, 8)
y = x @ torch.randn(8) / 3 + 0.05 * torch.randn(600)
train(Regressor(8), x, y)
""",
    links=(
        "https://docs.pytorch.org/docs/stable/generated/torch.optim.Optimizer.zero_grad.html",
        "https://docs.pytorch.org/docs/stable/optim.html#taking-an-optimization-step",
    ),
    explains=("OPT008", "OPT014", "NUM003", "MOD011", "TRN*"),
    needs=("optimizer",),
)
