"""MEM002: evaluation runs with gradients enabled, and nothing uses the graphs that it builds."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

CALLS = 8
"""Calls in eval mode whose graph was built and thrown away. A glance at one batch at the end of a script is no waste."""


def check(run: Run) -> Iterator[Finding]:
    for model in run.models:
        calls = model.calls
        if calls.eval_graph_unused < CALLS or run.steps == 0:
            continue
        site = model.graph_sites[0] if model.graph_sites else model.site
        yield Finding(
            "MEM002",
            data={
                "model": model.name,
                "calls": calls.eval_graph_unused,
                "quiet": calls.eval_no_grad,
                "places": tuple(f"{one.function}:{one.line}" for one in model.graph_sites[:4]),
            },
            place=at(site),
            confidence=Confidence.CERTAIN,
            # Where memory is the device's own, and scarce, this is what runs out of it first.
            severity=None if run.device in ("", "cpu") else Severity.WARNING,
        )


RULE = Rule(
    code="MEM002",
    name="validation-builds-graphs",
    severity=Severity.HINT,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "`{model}` was called {calls} times in eval mode with gradients enabled, and no backward pass followed.",
        "`{model}` 在 eval 模式下开启梯度被调用了 {calls} 次，之后都没有反向传播。",
    ),
    why=Text(
        "`model.eval()` does not switch gradients off. Each of these calls keeps all activations for a backward pass that "
        "never comes: evaluation takes several times the memory it needs, and more time.",
        "`model.eval()` 并不会关闭梯度。每次这样的调用都会为一次永远不会发生的反向传播保存全部激活：评估占用的显存是所需的几倍，也更慢。",
    ),
    fix=Text(
        "Put the evaluation under `with torch.no_grad():` (or decorate its function with `@torch.inference_mode()`).",
        "把评估放进 `with torch.no_grad():`（或给评估函数加上 `@torch.inference_mode()`）。",
    ),
    bad="""\
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split

torch.manual_seed(0)

x = torch.randn(1200, 16)
y = (x @ torch.randn(16, 3)).argmax(1)
train_set, valid_set = random_split(TensorDataset(x, y), [960, 240])
train_loader = DataLoader(train_set, batch_size=48, shuffle=True)
valid_loader = DataLoader(valid_set, batch_size=48)

model = nn.Sequential(nn.Linear(16, 64), nn.ReLU(), nn.Dropout(0.1), nn.Linear(64, 3))
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)


def accuracy():
    model.eval()
    right = sum((model(inputs).argmax(1) == targets).sum().item() for inputs, targets in valid_loader)
    return right / len(valid_set)


for epoch in range(9):
    model.train()
    for inputs, targets in train_loader:
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(inputs), targets).backward()
        optimizer.step()
    print(epoch, accuracy())
""",
    good="""\
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split

torch.manual_seed(0)

x = torch.randn(1200, 16)
y = (x @ torch.randn(16, 3)).argmax(1)
train_set, valid_set = random_split(TensorDataset(x, y), [960, 240])
train_loader = DataLoader(train_set, batch_size=48, shuffle=True)
valid_loader = DataLoader(valid_set, batch_size=48)

model = nn.Sequential(nn.Linear(16, 64), nn.ReLU(), nn.Dropout(0.1), nn.Linear(64, 3))
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)


@torch.no_grad()
def accuracy():
    model.eval()
    right = sum((model(inputs).argmax(1) == targets).sum().item() for inputs, targets in valid_loader)
    return right / len(valid_set)


for epoch in range(9):
    model.train()
    for inputs, targets in train_loader:
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(inputs), targets).backward()
        optimizer.step()
    print(epoch, accuracy())
""",
    links=("https://docs.pytorch.org/docs/stable/notes/autograd.html#evaluation-mode-nn-module-eval",),
    needs=("modules",),
)
