"""TRN005: weights that were kept for later are the very tensors that training went on changing."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Finding, Rule, Severity, Text
from torchward.rules._at import at


def check(run: Run) -> Iterator[Finding]:
    for load in run.aliased_loads:
        place = at(load.site)
        yield Finding("TRN005", data={"model": load.model, "step": load.step, "steps": run.steps}, place=place)


RULE = Rule(
    code="TRN005",
    name="best-weights-are-an-alias",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "After {step} steps `{model}.load_state_dict` is given the model's own parameters: it changes nothing, and the "
        "weights that were to be restored are gone.",
        "第 {step} 步之后，传给 `{model}.load_state_dict` 的就是模型自己的参数：什么也没有改变，本想恢复的权重已经丢失。",
    ),
    why=Text(
        "`state_dict()` holds references, not copies. Every optimizer step after it changes the kept weights too, so "
        "the `best` ones are always the latest: what is evaluated or saved next is not what was chosen.",
        "`state_dict()` 返回的是引用而不是副本。之后优化器的每一步也会改变保存下来的权重，"
        "因此“最佳”权重始终等于最新的权重：接下来评估或保存的并不是当初选中的那一份。",
    ),
    fix=Text(
        "Copy the weights when they are kept: `best = copy.deepcopy({model}.state_dict())`, or "
        "`{{name: value.clone() for name, value in {model}.state_dict().items()}}`.",
        "保存权重时复制一份：`best = copy.deepcopy({model}.state_dict())`，或者 "
        "`{{name: value.clone() for name, value in {model}.state_dict().items()}}`。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(800, 12)
y = (x @ torch.randn(12, 3)).argmax(1)
train_x, train_y, val_x, val_y = x[:600], y[:600], x[600:], y[600:]

model = nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, 3))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
best_loss, best_weights = float("inf"), None
for epoch in range(12):
    model.train()
    for rows in torch.randperm(600).split(40):
        loss = nn.functional.cross_entropy(model(train_x[rows]), train_y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        val_loss = nn.functional.cross_entropy(model(val_x), val_y).item()
    if val_loss < best_loss:
        best_loss, best_weights = val_loss, model.state_dict()
model.load_state_dict(best_weights)
print(best_loss)
""",
    good="""\
import copy

import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(800, 12)
y = (x @ torch.randn(12, 3)).argmax(1)
train_x, train_y, val_x, val_y = x[:600], y[:600], x[600:], y[600:]

model = nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, 3))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
best_loss, best_weights = float("inf"), None
for epoch in range(12):
    model.train()
    for rows in torch.randperm(600).split(40):
        loss = nn.functional.cross_entropy(model(train_x[rows]), train_y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        val_loss = nn.functional.cross_entropy(model(val_x), val_y).item()
    if val_loss < best_loss:
        best_loss, best_weights = val_loss, copy.deepcopy(model.state_dict())
model.load_state_dict(best_weights)
print(best_loss)
""",
    links=("https://docs.pytorch.org/tutorials/beginner/saving_loading_models.html",),
    needs=("modules",),
    written=True,
)
