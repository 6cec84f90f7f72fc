"""OPT022: the averages of Adam with their lengths the wrong way round."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Finding, Rule, Severity, Text
from torchward.rules._at import at

LONG = 0.98
"""First beta from which the average of gradients spans 50 steps and more; recipes use 0 to 0.95."""
SHORTER = 0.02
"""By which the second is below the first. No recipe has it below: 0.5/0.9 (WGAN-GP), 0.9/0.95 (GPT-3), 0.9/0.999."""
STEPS = 10


def check(run: Run) -> Iterator[Finding]:
    for optimizer in run.optimizers:
        betas = optimizer.betas
        if len(betas) < 2 or optimizer.steps < STEPS or betas[0] < LONG or betas[1] > betas[0] - SHORTER:
            continue
        yield Finding(
            "OPT022",
            {
                "optimizer": optimizer.kind,
                "first": betas[0],
                "second": betas[1],
                "span": 1 / (1 - betas[0]) if betas[0] < 1 else float("inf"),
                "steps": optimizer.steps,
            },
            at(optimizer.made or optimizer.site, first=optimizer.first_step),
        )


RULE = Rule(
    code="OPT022",
    name="betas-swapped",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "`{optimizer}` has betas=({first}, {second}): its momentum spans about {span:.0f} steps, longer than the "
        "average of squares that should steady it.",
        "`{optimizer}` 的 betas=({first}, {second})：动量大约跨越 {span:.0f} 步，比用来稳定它的平方均值还要长。",
    ),
    why=Text(
        "The first beta averages gradients, the second their squares. The wrong way round, the direction is a "
        "thousand steps old, and its scale that of the last few gradients: steps overshoot and swing.",
        "第一个 beta 用于梯度的均值，第二个用于梯度平方的均值。颠倒之后，方向来自上千步之前，"
        "尺度却只看最近几步：更新会过冲并来回摆动。",
    ),
    fix=Text(
        "Write the shorter one first: `betas=({second}, {first})`, or leave the default `betas=(0.9, 0.999)`.",
        "把较短的写在前面：`betas=({second}, {first})`，或者使用默认值 `betas=(0.9, 0.999)`。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(800, 10)
y = x @ torch.randn(10, 1) / 3
net = nn.Sequential(nn.Linear(10, 32), nn.Tanh(), nn.Linear(32, 1))
optimizer = torch.optim.Adam(net.parameters(), lr=1e-3, betas=(0.999, 0.9))
for epoch in range(15):
    for rows in torch.randperm(800).split(50):
        loss = nn.functional.mse_loss(net(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    good="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(800, 10)
y = x @ torch.randn(10, 1) / 3
net = nn.Sequential(nn.Linear(10, 32), nn.Tanh(), nn.Linear(32, 1))
optimizer = torch.optim.Adam(net.parameters(), lr=1e-3, betas=(0.9, 0.999))
for epoch in range(15):
    for rows in torch.randperm(800).split(50):
        loss = nn.functional.mse_loss(net(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    links=("https://docs.pytorch.org/docs/stable/generated/torch.optim.Adam.html", "https://arxiv.org/abs/1412.6980"),
    explains=("OPT007", "OPT008", "NUM001", "NUM002", "NUM003", "NUM004", "NUM007", "TRN001", "TRN003"),
    needs=("optimizer",),
)
