"""MOD015: batch norm keeps running statistics of the last batch alone, or none at all."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Finding, Rule, Severity, Text
from torchward.rules._at import at

MINIMUM_SAMPLES = 5
LARGE = 0.9
"""PyTorch's momentum is the weight of the new batch (0.1 by default), Keras' and TensorFlow's that of the old value
(0.99): `momentum=0.99` taken over from there keeps the last batch."""
LEFT = 0.3
"""Weight of the initial mean 0 and variance 1 in the running statistics at the end, (1 - momentum) ** steps, ..."""
STEPS = 100
"""... of a run that is more than a trial."""


def check(run: Run) -> Iterator[Finding]:
    if run.samples < MINIMUM_SAMPLES:
        return
    far = run.ended and run.steps >= STEPS
    judged = {one.index for one in run.models if one.calls.eval_no_grad or one.calls.eval_graph_unused}
    loaded = {one.model for one in run.parameters if one.loaded}
    found = [
        module
        for module in run.modules
        if module.momentum is not None
        and module.typical_batch is not None
        and module.model in judged
        and (
            module.momentum >= LARGE
            or module.momentum == 0
            or (far and module.model not in loaded and (1 - module.momentum) ** run.steps >= LEFT)
        )
    ]
    if not found:
        return
    model = next((one for one in run.models if one.index == found[0].model), None)
    yield Finding(
        "MOD015",
        data={
            "layers": tuple(module.name for module in found[:8]),
            "count": len(found),
            "momentum": found[0].momentum,
            "steps": run.steps,
            "left": max(0.0, 1 - (found[0].momentum or 0.0)) ** run.steps,
        },
        place=at(model.site if model is not None else None, module=found[0].name),
    )


RULE = Rule(
    code="MOD015",
    name="batch-norm-momentum",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "{count} batch norm layer(s) have `momentum={momentum}` ({layers}): in PyTorch that is the weight of "
        "the newest batch in the running statistics, so that after {steps} steps {left:.0%} of these are still the "
        "initial values.",
        "{count} 个 BatchNorm 层的 `momentum={momentum}`（{layers}）：在 PyTorch 中，它是最新一个批次在滑动统"
        "计量中的权重，因此 {steps} 步之后滑动统计量中仍有 {left:.0%} 是初始值。",
    ),
    why=Text(
        "In eval mode the layer normalises with the running statistics. Near 1 they are those of the last "
        "training batch, noisy and different after each; at 0 or close to it they stay at, or near, their first values, "
        "mean 0 and variance 1. Either way evaluation is worse than training.",
        "eval 模式下，该层用滑动统计量做归一化。momentum 接近 1 时，统计量只来自最后一个训练批次，噪声大且每"
        "次不同；为 0 或接近 0 时，统计量一直停在初始值（均值 0、方差 1）附近。两种情况下评估都会比训练差。",
    ),
    fix=Text(
        "Leave the default, `nn.BatchNorm2d(channels)` with `momentum=0.1`; a value `m` from Keras or "
        "TensorFlow becomes `momentum=1 - m`.",
        "使用默认值，即 `nn.BatchNorm2d(channels)` 的 `momentum=0.1`；来自 Keras 或 TensorFlow 的 `m` 要写成 "
        "`momentum=1 - m`。",
    ),
    bad="""\
import torch
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(0)
digits = load_digits()
x = torch.tensor(digits.data, dtype=torch.float32) / 16
y = torch.tensor(digits.target)
model = nn.Sequential(
    nn.Linear(64, 48), nn.BatchNorm1d(48, momentum=0.99), nn.ReLU(), nn.Linear(48, 10)
)
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(6):
    model.train()
    for rows in torch.randperm(1500).split(50):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        print(epoch, (model(x[1500:]).argmax(1) == y[1500:]).float().mean().item())
""",
    good="""\
import torch
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(0)
digits = load_digits()
x = torch.tensor(digits.data, dtype=torch.float32) / 16
y = torch.tensor(digits.target)
model = nn.Sequential(
    nn.Linear(64, 48), nn.BatchNorm1d(48, momentum=0.01), nn.ReLU(), nn.Linear(48, 10)
)
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(6):
    model.train()
    for rows in torch.randperm(1500).split(50):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        print(epoch, (model(x[1500:]).argmax(1) == y[1500:]).float().mean().item())
""",
    links=(
        "https://docs.pytorch.org/docs/stable/generated/torch.nn.BatchNorm2d.html",
        "https://keras.io/api/layers/normalization_layers/batch_normalization/",
    ),
    explains=("MOD025",),
    needs=("modules",),
)
