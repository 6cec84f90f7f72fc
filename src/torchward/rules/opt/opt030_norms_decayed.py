"""OPT030: weight decay shrinks the scales of normalisation layers."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

NORMS = ("BatchNorm", "LayerNorm", "GroupNorm", "InstanceNorm", "RMSNorm", "SyncBatchNorm")
SHRUNK = 0.8
"""A scale begins at 1; gradients alone move it both ways."""
SAMPLES = 10
MOST = 0.75
"""Share of the layers that shrank so."""


def check(run: Run) -> Iterator[Finding]:
    if not run.ended:
        return
    for optimizer in run.optimizers:
        if not optimizer.weight_decay:
            continue
        scales = [
            one
            for one in run.parameters
            if optimizer.index in one.optimizers
            and one.module_kind.startswith(NORMS)
            and one.name.endswith("weight")
            and len(one.weight_norm) >= SAMPLES
            and one.weight_norm.values[0] > 0
        ]
        left = [(one.weight_norm.values[-1] / one.weight_norm.values[0], one) for one in scales]
        small = [(share, one) for share, one in left if share < SHRUNK]
        if not small or len(small) < MOST * len(left):
            continue
        share, least = min(small, key=lambda pair: pair[0])
        yield Finding(
            "OPT030",
            data={
                "optimizer": optimizer.kind,
                "weight_decay": optimizer.weight_decay,
                "count": len(small),
                "layers": tuple(one.module for _, one in small[:8]),
                "share": share,
            },
            place=at(optimizer.made or optimizer.site, module=least.module, parameter=least.name),
            confidence=Confidence.POSSIBLE,
        )


RULE = Rule(
    code="OPT030",
    name="norms-decayed",
    severity=Severity.HINT,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "weight_decay={weight_decay} of `{optimizer}` is applied to the scales of {count} normalisation layer(s) "
        "({layers}), which have shrunk to as little as {share:.0%} of their first size.",
        "`{optimizer}` 的 weight_decay={weight_decay} 也作用于 {co"
        "unt} 个归一化层的缩放参数（{layers}），其中最小的只剩初始大小的 {share:.0%}。",
    ),
    why=Text(
        "Decay is meant for weight matrices. Drawn to 0, the scale of a normalisation layer mutes it, and the "
        "layers behind have to make up for it; biases have nothing to gain from it either.",
        "权重衰减针对的是权重矩阵。把归一化层的缩放参数拉向 0，只会减弱这一层，后面的层不得不补偿；偏置同样得不"
        "到好处。",
    ),
    fix=Text(
        'Make two groups: `[{{"params": matrices}}, {{"params": norms_and_biases, "weight_decay": 0.0}}]`, with '
        "`p.dim() >= 2` for the first.",
        '分成两组：`[{{"params": matrices}}, {{"params": norms_and'
        '_biases, "weight_decay": 0.0}}]`，第一组取 `p.dim() >= 2`'
        " 的参数。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(1200, 20)
y = (x @ torch.randn(20, 3)).argmax(1)
model = nn.Sequential(nn.Linear(20, 64), nn.LayerNorm(64), nn.ReLU(), nn.Linear(64, 3))
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.6)
for epoch in range(20):
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
x = torch.randn(1200, 20)
y = (x @ torch.randn(20, 3)).argmax(1)
model = nn.Sequential(nn.Linear(20, 64), nn.LayerNorm(64), nn.ReLU(), nn.Linear(64, 3))
matrices = [p for p in model.parameters() if p.dim() >= 2]
others = [p for p in model.parameters() if p.dim() < 2]
groups = [{"params": matrices, "weight_decay": 0.6}, {"params": others, "weight_decay": 0.0}]
optimizer = torch.optim.AdamW(groups, lr=3e-3)
for epoch in range(20):
    for rows in torch.randperm(1200).split(50):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    links=("https://docs.pytorch.org/docs/stable/generated/torch.optim.AdamW.html",),
    explained_by=("OPT014",),
    needs=("parameters",),
    preview=True,
)
