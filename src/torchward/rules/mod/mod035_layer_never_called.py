"""MOD035: one layer is called at two places, and the like one beside it never."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

SAMPLES = 5
"""Steps at which the layer was looked for: a part of the network may be for a later stage of training."""


def check(run: Run) -> Iterator[Finding]:
    for model in run.models:
        own = [one for one in run.parameters if one.model == model.index]
        idle = {
            module
            for module in {one.module for one in own}
            if all(
                not one.called
                and one.requires_grad
                and one.optimizers
                and one.samples >= SAMPLES
                and not one.samples_with_grad
                for one in own
                if one.module == module
            )
        }
        pairs = [(used, other, kind) for used, other, kind in model.twins if other in idle]
        if not pairs:
            continue
        used, other, kind = pairs[0]
        yield Finding(
            "MOD035",
            data={
                "model": model.name,
                "layer": other,
                "used": used,
                "name": other.rpartition(".")[2],
                "kind": kind,
                "layers": tuple(dict.fromkeys(one for _, one, _ in pairs))[:8],
            },
            place=at(model.site, module=other),
            confidence=Confidence.LIKELY,
        )


RULE = Rule(
    code="MOD035",
    name="layer-never-called",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "`{model}` calls its {kind} `{used}` at two places of the same code, and never `{layer}`, which has the same "
        "shape and stands beside it. Never called in this way: {layers}.",
        "`{model}` 在同一段代码的两处都调用了 {kind} `{used}`，而旁边形状相同的 `{layer}` 从未被调用。"
        "这样从未被调用的层：{layers}。",
    ),
    why=Text(
        "Two places share one set of weights (and of running statistics, which then fit neither), and the layer that was "
        "made for one of them is not trained. Usually a line was copied and its name kept.",
        "两处共用同一组权重（以及同一组运行统计量，结果两处都不合适），而为其中一处准备的层没有得到训练。"
        "通常是复制了一行代码却忘了改名字。",
    ),
    fix=Text(
        "Call `self.{name}` at the place it was made for; if sharing is meant, take `{layer}` out.",
        "在应该使用它的地方调用 `self.{name}`；如果本来就要共用，就删掉 `{layer}`。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(1500, 12)
y = (x[:, 0] * x[:, 1] + x[:, 2] > 0).long()


class Block(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(size, size), nn.Linear(size, size)
        self.norm1, self.norm2 = nn.LayerNorm(size), nn.LayerNorm(size)

    def forward(self, x):
        h = torch.relu(self.norm1(self.fc1(x)))
        return torch.relu(x + self.norm1(self.fc2(h)))


model = nn.Sequential(nn.Linear(12, 32), Block(32), Block(32), nn.Linear(32, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(6):
    for rows in torch.randperm(1500).split(50):
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
x = torch.randn(1500, 12)
y = (x[:, 0] * x[:, 1] + x[:, 2] > 0).long()


class Block(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(size, size), nn.Linear(size, size)
        self.norm1, self.norm2 = nn.LayerNorm(size), nn.LayerNorm(size)

    def forward(self, x):
        h = torch.relu(self.norm1(self.fc1(x)))
        return torch.relu(x + self.norm2(self.fc2(h)))


model = nn.Sequential(nn.Linear(12, 32), Block(32), Block(32), nn.Linear(32, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(6):
    for rows in torch.randperm(1500).split(50):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    links=("https://docs.pytorch.org/docs/stable/generated/torch.nn.Module.html",),
    explains=("MOD025", "MOD027", "MOD041", "TRN*"),
    explained_by=("OPT001",),
    needs=("modules",),
    preview=True,
)
