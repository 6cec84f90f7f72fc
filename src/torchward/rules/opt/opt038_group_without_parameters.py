"""OPT038: a group of the optimizer that was given a learning rate of its own holds no parameters."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

STEPS = 20


def check(run: Run) -> Iterator[Finding]:
    for optimizer in run.optimizers:
        if optimizer.empty_group is None or optimizer.steps < STEPS:
            continue
        place, rate, other = optimizer.empty_group
        yield Finding(
            "OPT038",
            {"optimizer": optimizer.kind, "group": place, "rate": rate, "other": other, "steps": optimizer.steps},
            at(optimizer.made or optimizer.site),
            Confidence.LIKELY,
        )


RULE = Rule(
    code="OPT038",
    name="group-without-parameters",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "Group {group} of `{optimizer}`, with a learning rate of {rate}, holds no parameters at all ({steps} steps): what was "
        "meant for it is trained with {other}, or not at all.",
        "`{optimizer}` 的第 {group} 个参数组（学习率 {rate}）不含任何参数（共 {steps} 步）：本该属于它的参数用的是学习率 {other}，或者根本没有训练。",
    ),
    why=Text(
        "A filter by name that matches nothing gives an empty list, and optimizers take it without a word. A pre-trained body "
        "that was to move slowly is then trained at the rate of a new head, and forgets; layers that were to be added do not "
        "train.",
        "按名称筛选时如果什么都没匹配到，得到的就是空列表，而优化器会默默接受。本该缓慢调整的预训练主干就会以新分类头的学习率训练，"
        "从而遗忘；本该加入的层则不会被训练。",
    ),
    fix=Text(
        "Compare the filter with `[name for name, _ in model.named_parameters()]`, select by module instead, "
        "`model.features.parameters()`, and keep `assert all(group['params'] for group in optimizer.param_groups)`.",
        "将筛选条件与 `[name for name, _ in model.named_parameters()]` 对照，或改为按模块选取：`model.features.parameters()`，"
        "并保留 `assert all(group['params'] for group in optimizer.param_groups)`。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(1200, 10)
y = (x @ torch.randn(10, 4)).argmax(1)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU())
        self.head = nn.Linear(32, 4)

    def forward(self, x):
        return self.head(self.backbone(x))


model = Net()
groups = {"slow": [], "fast": []}
for name, parameter in model.named_parameters():
    groups["slow" if name.startswith("backbone_") else "fast"].append(parameter)
optimizer = torch.optim.Adam([{"params": groups["slow"], "lr": 1e-4}, {"params": groups["fast"], "lr": 3e-3}])
for epoch in range(8):
    for rows in torch.randperm(1200).split(50):
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
x = torch.randn(1200, 10)
y = (x @ torch.randn(10, 4)).argmax(1)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU())
        self.head = nn.Linear(32, 4)

    def forward(self, x):
        return self.head(self.backbone(x))


model = Net()
groups = {"slow": [], "fast": []}
for name, parameter in model.named_parameters():
    groups["slow" if name.startswith("backbone.") else "fast"].append(parameter)
optimizer = torch.optim.Adam([{"params": groups["slow"], "lr": 1e-3}, {"params": groups["fast"], "lr": 3e-3}])
for epoch in range(8):
    for rows in torch.randperm(1200).split(50):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    links=("https://docs.pytorch.org/docs/stable/optim.html#per-parameter-options",),
    explains=("TRN013",),
)
