"""OPT034: the closure of L-BFGS computes nothing anew."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Finding, Rule, Severity, Text
from torchward.rules._at import at

SAMPLES = 3


def check(run: Run) -> Iterator[Finding]:
    for optimizer in run.optimizers:
        if optimizer.kind != "LBFGS" or optimizer.closures < SAMPLES:
            continue
        own = [one for one in run.parameters if one.index in optimizer.parameters]
        # Derivatives by the input, as of a differential equation, are backward passes that leave no gradient.
        without = bool(own) and all(one.samples and not one.samples_with_grad for one in own)
        if optimizer.closures_without_backward < optimizer.closures and not without:
            continue
        yield Finding(
            "OPT034",
            data={"samples": optimizer.closures},
            place=at(optimizer.site or optimizer.made, optimizer.lr),
        )


RULE = Rule(
    code="OPT034",
    name="closure-without-backward",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "In all {samples} sampled steps of LBFGS its closure computed no new gradient of the parameters.",
        "在采样的 {samples} 步中，LBFGS 的闭包一次都没有为参数计算新的梯度。",
    ),
    why=Text(
        "L-BFGS moves several times in one step and asks the closure for the loss and the gradients at each "
        "place. A closure that hands back a loss computed before gives it the old ones: it takes the curvature to"
        " be zero, and goes wrong or stands still.",
        "L-BFGS 在一步之内会移动多次，每到一处都要靠闭包重新计算损失和梯度。若闭包只返回之前算好的损失，它"
        "得到的就是旧梯度，会以为曲率为零，从而走错或停住。",
    ),
    fix=Text(
        "Compute everything inside: `def closure(): optimizer.zero_grad(); loss = criterion(model(x), y); "
        "loss.backward(); return loss`, then `optimizer.step(closure)`.",
        "把计算全部放进闭包：`def closure(): optimizer.zero_grad(); los"
        "s = criterion(model(x), y); loss.backward(); return "
        "loss`，再调用 `optimizer.step(closure)`。",
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
    optimizer.zero_grad()
    loss = nn.functional.mse_loss(model(x), y)
    loss.backward()
    optimizer.step(lambda: loss)
    print(epoch, loss.item())
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
    links=("https://docs.pytorch.org/docs/stable/generated/torch.optim.LBFGS.html",),
    explains=("OPT003", "OPT005", "OPT007", "OPT008", "TRN*", "NUM001", "NUM002", "NUM003", "NUM004", "NUM007"),
    needs=("optimizer",),
    preview=True,
)
