"""NUM008: a model that computes in float64."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

MOST = 0.9
"""Share of the trained weights."""
WEIGHTS = 1_000
"""Below, the type costs nothing that could be noticed."""


def check(run: Run) -> Iterator[Finding]:
    trained = [parameter for parameter in run.parameters if parameter.optimizers and parameter.requires_grad]
    total = sum(parameter.numel for parameter in trained)
    double = [parameter for parameter in trained if parameter.dtype == "float64"]
    count = sum(parameter.numel for parameter in double)
    second_order = any(optimizer.kind == "LBFGS" for optimizer in run.optimizers)
    if total < WEIGHTS or count < MOST * total or second_order:
        return
    model = next((model for model in run.models if model.in_trainings), None)
    yield Finding(
        "NUM008",
        data={"weights": count, "device": run.device, "parameters": tuple(one.name for one in double[:4])},
        place=at(model.site if model is not None else None, module=double[0].module, parameter=double[0].name),
        confidence=Confidence.LIKELY,
    )


RULE = Rule(
    code="NUM008",
    name="double-precision",
    severity=Severity.HINT,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "The model computes in float64 ({weights} weights, on {device}).",
        "模型以 float64 计算（{weights} 个权重，设备 {device}）。",
    ),
    why=Text(
        "It takes twice the memory, and half the speed on a CPU; most GPUs do float64 at a thirty-second to a "
        "sixty-fourth of their float32 rate. Training gains nothing from the digits. It often comes from NumPy, whose "
        "arrays are float64, and from a model that was made to fit them with `.double()`.",
        "内存占用翻倍，在 CPU 上速度减半；多数 GPU 的 float64 速度只有 float32 的 1/32 到 1/64。训练用不到这些位数。"
        "原因往往是 NumPy 数组默认为 float64，再用 `.double()` 让模型去迁就它们。",
    ),
    fix=Text(
        "Turn the data into float32 once, `torch.from_numpy(array).float()`, and leave the model as it is (no "
        "`.double()`, no `torch.set_default_dtype(torch.float64)`). Where the digits matter (second derivatives, "
        "physics), ignore this.",
        "把数据一次性转为 float32：`torch.from_numpy(array).float()`，模型保持不变（不要 `.double()`，"
        "也不要 `torch.set_default_dtype(torch.float64)`）。如果确实需要这些位数（二阶导数、物理计算），可忽略本条。",
    ),
    bad="""\
import numpy as np
import torch
from torch import nn

rng = np.random.default_rng(0)
table = rng.normal(size=(960, 20))
price = table @ rng.normal(size=(20, 1))
x, y = torch.from_numpy(table), torch.from_numpy(price)

torch.manual_seed(0)
model = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 1)).double()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(15):
    for rows in torch.randperm(960).split(32):
        loss = nn.functional.mse_loss(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    good="""\
import numpy as np
import torch
from torch import nn

rng = np.random.default_rng(0)
table = rng.normal(size=(960, 20))
price = table @ rng.normal(size=(20, 1))
x, y = torch.from_numpy(table).float(), torch.from_numpy(price).float()

torch.manual_seed(0)
model = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(15):
    for rows in torch.randperm(960).split(32):
        loss = nn.functional.mse_loss(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    links=("https://docs.pytorch.org/docs/stable/notes/numerical_accuracy.html",),
    needs=("parameters",),
    preview=True,
)
