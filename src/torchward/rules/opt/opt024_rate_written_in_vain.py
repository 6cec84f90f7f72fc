"""OPT024: a learning rate that is written where the optimizer does not look."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Finding, Rule, Severity, Text
from torchward.rules._at import at

STEPS = 20


def check(run: Run) -> Iterator[Finding]:
    for optimizer in run.optimizers:
        rates = optimizer.lr.values
        if optimizer.stray_lr is None or optimizer.steps < STEPS or len(rates) == 0:
            continue
        yield Finding(
            "OPT024",
            {
                "optimizer": optimizer.kind,
                "where": optimizer.stray_in,
                "written": optimizer.stray_lr,
                "rate": rates[-1],
                "first": rates[0],
                "steps": optimizer.steps,
            },
            at(optimizer.made or optimizer.site),
        )


RULE = Rule(
    code="OPT024",
    name="learning-rate-written-in-vain",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "{written} was written to `optimizer.{where}`, but `{optimizer}` goes on with {rate} (first: {first}): it does not "
        "look there.",
        "`optimizer.{where}` 被设为 {written}，但 `{optimizer}` 仍在使用 {rate}（起初为 {first}）：它不读取那里。",
    ),
    why=Text(
        "Python lets any attribute be set, and `state_dict()` gives a copy. The rate that a step uses is in "
        "`param_groups`, so the decay that was planned never happens.",
        "Python 允许设置任意属性，而 `state_dict()` 返回的是副本。每一步实际使用的学习率在 `param_groups` 里，因此计划中的衰减从未发生。",
    ),
    fix=Text(
        "Write to the groups: `for group in optimizer.param_groups: group['lr'] = {written}`; or use a scheduler.",
        "写到参数组里：`for group in optimizer.param_groups: group['lr'] = {written}`；或者使用调度器。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(800, 10)
y = (x @ torch.randn(10, 4)).argmax(1)
model = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 4))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
for epoch in range(12):
    optimizer.lr = 0.1 * 0.7**epoch
    for rows in torch.randperm(800).split(50):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
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
y = (x @ torch.randn(10, 4)).argmax(1)
model = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 4))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
for epoch in range(12):
    for group in optimizer.param_groups:
        group["lr"] = 0.1 * 0.7**epoch
    for rows in torch.randperm(800).split(50):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    links=("https://docs.pytorch.org/docs/stable/optim.html#per-parameter-options",),
    explains=("OPT007", "OPT008", "TRN*"),
    needs=("optimizer",),
)
