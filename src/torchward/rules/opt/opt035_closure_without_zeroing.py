"""OPT035: gradients add up over the calls of an optimizer's closure."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Finding, Rule, Severity, Text
from torchward.rules._at import at

PASSES = 5


def check(run: Run) -> Iterator[Finding]:
    for optimizer in run.optimizers:
        passes = optimizer.closure_passes
        if passes < PASSES or optimizer.closure_passes_dirty < passes:
            continue
        yield Finding(
            "OPT035",
            data={"optimizer": optimizer.kind, "passes": passes},
            place=at(optimizer.site or optimizer.made, optimizer.lr),
        )


RULE = Rule(
    code="OPT035",
    name="closure-without-zeroing",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "Inside the steps of `{optimizer}` each further call of its closure adds its gradient to that of the call"
        " before ({passes} of {passes} passes looked at).",
        "在 `{optimizer}` 的一步之内，每次再调用闭包，梯度都累加在上一次的结果上（查看的 {pas"
        "ses} 次反向传播全部如此）。",
    ),
    why=Text(
        "The closure is called several times per step, and each time must leave the gradient of the place where "
        "the weights are then. With the sum of all places so far the directions are wrong.",
        "每一步会多次调用闭包，每次都应留下当前权重处的梯度。若得到的是此前各处梯度之和，搜索方向就是错的。",
    ),
    fix=Text(
        "Begin the closure with `optimizer.zero_grad()`.",
        "让闭包以 `optimizer.zero_grad()` 开头。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(400, 10)
y = x @ torch.randn(10, 1)
model = nn.Sequential(nn.Linear(10, 20), nn.Tanh(), nn.Linear(20, 1))
optimizer = torch.optim.LBFGS(model.parameters(), lr=0.1, max_iter=10)
for epoch in range(40):

    def closure():
        loss = nn.functional.mse_loss(model(x), y)
        loss.backward()
        return loss

    print(epoch, optimizer.step(closure).item())
""",
    good="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(400, 10)
y = x @ torch.randn(10, 1)
model = nn.Sequential(nn.Linear(10, 20), nn.Tanh(), nn.Linear(20, 1))
optimizer = torch.optim.LBFGS(model.parameters(), lr=0.1, max_iter=10)
for epoch in range(40):

    def closure():
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(x), y)
        loss.backward()
        return loss

    print(epoch, optimizer.step(closure).item())
""",
    links=("https://docs.pytorch.org/docs/stable/optim.html#optimizer-step-closure",),
    explains=("OPT003", "OPT007", "TRN*", "NUM001", "NUM002", "NUM003", "NUM004", "NUM007"),
    needs=("optimizer",),
    preview=True,
)
