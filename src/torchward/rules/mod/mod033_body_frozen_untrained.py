"""MOD033: most of a model is frozen at random values, though nothing was loaded into it."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

STEPS = 100
MOST = 0.5
"""Share of the model's numbers that is frozen as drawn."""


def check(run: Run) -> Iterator[Finding]:
    if not run.ended or run.steps < STEPS:
        return
    for model in run.models:
        if not model.frozen_drawn or model.frozen_loaded or not model.in_trainings:
            continue
        own = [one for one in run.parameters if one.model == model.index and one.samples_with_grad]
        trained = {one.module for one in own}
        frozen = [one for one in model.frozen_drawn if one[0] not in trained]
        # A teacher, or target, has a trained layer of the same shape for each of its own.
        twins = {(one.shape[0], one.numel // one.shape[0]) for one in own if len(one.shape) > 1}
        alone = [name for name, *shape in frozen if tuple(shape) not in twins]
        numbers = sum(units * inputs for _, units, inputs in frozen)
        if not alone or not twins or numbers < MOST * model.parameters:
            continue
        yield Finding(
            "MOD033",
            data={
                "model": model.name,
                "layers": tuple(name for name, *_ in frozen)[:8],
                "frozen": numbers,
                "parameters": model.parameters,
            },
            place=at(model.site, module=alone[0]),
            confidence=Confidence.POSSIBLE,
        )


RULE = Rule(
    code="MOD033",
    name="body-frozen-untrained",
    severity=Severity.HINT,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "{frozen} of {parameters} numbers of `{model}` are frozen at the random values of new layers ({layers}): nothing "
        "was loaded into them.",
        "`{model}` 的 {parameters} 个参数中有 {frozen} 个被冻结在新层的随机初始值上（{layers}）：没有向其中加载任何权重。",
    ),
    why=Text(
        "Freezing keeps what was learned before. Layers that were never trained pass on random features, and the rest can "
        "only make the best of those. Some methods mean this (random features, a fixed random target); a backbone whose "
        "weights were not loaded looks the same.",
        "冻结是为了保留之前学到的东西。从未训练过的层只能输出随机特征，其余部分只能在此基础上尽力而为。有些方法就是这样设计的"
        "（随机特征、固定的随机目标）；但忘了加载权重的主干网络看起来完全一样。",
    ),
    fix=Text(
        "Load the weights before you freeze, `model.load_state_dict(torch.load(path))`, and look at what it returns; or "
        "train these layers as well: `for p in model.parameters(): p.requires_grad_(True)`.",
        "先加载权重再冻结：`model.load_state_dict(torch.load(path))`，并检查它的返回值；或者让这些层也参与训练："
        "`for p in model.parameters(): p.requires_grad_(True)`。",
    ),
    bad="""\
import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(0)
x = torch.randn(1500, 16)
y = ((x[:, :8] * x[:, 8:]).sum(1) > 0).long() + 2 * (x[:, 0] > 0).long()


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone = nn.Sequential(nn.Linear(16, 96), nn.ReLU(), nn.Linear(96, 96), nn.ReLU())
        self.head = nn.Linear(96, 4)

    def forward(self, x):
        return self.head(self.backbone(x))


net = Net()
for parameter in net.backbone.parameters():
    parameter.requires_grad = False
optimizer = torch.optim.Adam(net.head.parameters(), lr=3e-3)
for epoch in range(8):
    for rows in torch.randperm(1500).split(50):
        loss = F.cross_entropy(net(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    good="""\
import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(0)
x = torch.randn(1500, 16)
y = ((x[:, :8] * x[:, 8:]).sum(1) > 0).long() + 2 * (x[:, 0] > 0).long()


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone = nn.Sequential(nn.Linear(16, 96), nn.ReLU(), nn.Linear(96, 96), nn.ReLU())
        self.head = nn.Linear(96, 4)

    def forward(self, x):
        return self.head(self.backbone(x))


net = Net()
optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
for epoch in range(8):
    for rows in torch.randperm(1500).split(50):
        loss = F.cross_entropy(net(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    links=("https://docs.pytorch.org/docs/stable/notes/autograd.html#locally-disabling-gradient-computation",),
    explains=("TRN001", "TRN003", "TRN006", "TRN007"),
    needs=("modules",),
    preview=True,
)
