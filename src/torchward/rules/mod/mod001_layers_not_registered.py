"""MOD001: layers that the forward pass calls, but that the model does not know it has."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Finding, Rule, Severity, Text
from torchward.rules._at import at

MINIMUM_SAMPLES = 3
"""Sampled steps before anything is said: layers made in the first forward pass are registered by then."""
NAMED = 8


def check(run: Run) -> Iterator[Finding]:
    if run.samples < MINIMUM_SAMPLES:
        return
    for model in run.models:
        found = []
        for module in run.modules:
            if module.registered or module.model != model.index or module.parameters == 0:
                continue
            # Parameters that another model registers are known under that model's names, and not missing at all.
            own = [parameter for parameter in run.parameters if parameter.module == module.name]
            trained = [parameter for parameter in own if parameter.requires_grad and parameter.in_graph]
            if trained:
                found.append((module, trained))
        for held in (False, True):
            part = [(one, own) for one, own in found if any(p.optimizers for p in own) is held]
            if not part:
                continue
            site = part[0][0].site
            kinds = [one.kind for one, _ in part]
            yield Finding(
                "MOD001",
                data={
                    "model": model.name,
                    "count": len(part),
                    "layers": tuple(kinds[:NAMED]),
                    "weights": sum(parameter.numel for _, own in part for parameter in own),
                    "in_optimizer": held,
                },
                place=at(site, module=kinds[0] if held else ""),
                # An optimizer that was given them by hand does train them; they are still not saved or moved.
                severity=Severity.HINT if held else None,
            )


RULE = Rule(
    code="MOD001",
    name="layers-not-registered",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "`{model}` calls {count} layer(s) in its forward pass that are not registered in it ({layers}): "
        "`parameters()` and `state_dict()` leave out their {weights} weights.",
        "`{model}` 在前向计算中调用了 {count} 个没有注册的层（{layers}）："
        "`parameters()` 和 `state_dict()` 都不包含它们的 {weights} 个权重。",
    ),
    why=Text(
        "Modules kept in a plain list, tuple or dict are invisible to the model. An optimizer made from "
        "`model.parameters()` never changes them, so they keep their random values; a checkpoint does not save them, "
        "and `.to(device)`, `.train()` and `.eval()` do not reach them.",
        "放在普通列表、元组或字典里的模块对模型不可见。由 `model.parameters()` 创建的优化器不会更新它们，"
        "它们一直是随机初值；检查点不会保存它们，`.to(device)`、`.train()` 和 `.eval()` 也作用不到它们。",
    ),
    fix=Text(
        "In `__init__` write `self.layers = nn.ModuleList([...])` (or `nn.ModuleDict`) instead of a plain list or "
        "dict, "
        "and make the optimizer afterwards.",
        "在 `__init__` 中用 `self.layers = nn.ModuleList([...])`（或 `nn.ModuleDict`）代替普通列表或字典，"
        "之后再创建优化器。",
    ),
    bad="""\
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)


class Net(nn.Module):
    def __init__(self, width=32, depth=3):
        super().__init__()
        self.stem = nn.Linear(10, width)
        self.blocks = [nn.Linear(width, width) for _ in range(depth)]
        self.head = nn.Linear(width, 3)

    def forward(self, x):
        x = self.stem(x).relu()
        for block in self.blocks:
            x = block(x).relu()
        return self.head(x)


inputs = torch.randn(640, 10)
labels = (inputs @ torch.randn(10, 3)).argmax(1)
loader = DataLoader(TensorDataset(inputs, labels), batch_size=32, shuffle=True)
model = Net()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(10):
    for x, y in loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
    print(epoch, round(loss.item(), 3))
""",
    good="""\
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)


class Net(nn.Module):
    def __init__(self, width=32, depth=3):
        super().__init__()
        self.stem = nn.Linear(10, width)
        self.blocks = nn.ModuleList([nn.Linear(width, width) for _ in range(depth)])
        self.head = nn.Linear(width, 3)

    def forward(self, x):
        x = self.stem(x).relu()
        for block in self.blocks:
            x = block(x).relu()
        return self.head(x)


inputs = torch.randn(640, 10)
labels = (inputs @ torch.randn(10, 3)).argmax(1)
loader = DataLoader(TensorDataset(inputs, labels), batch_size=32, shuffle=True)
model = Net()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(10):
    for x, y in loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
    print(epoch, round(loss.item(), 3))
""",
    links=("https://docs.pytorch.org/docs/stable/generated/torch.nn.ModuleList.html",),
    explains=("OPT001", "OPT002", "MOD009", "MOD011", "TRN001", "TRN003", "TRN004"),
    needs=("modules",),
)
