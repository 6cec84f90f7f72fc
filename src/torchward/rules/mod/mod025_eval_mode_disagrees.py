"""MOD025: the same weights do far worse on the same batch in eval mode than in train mode."""

from __future__ import annotations

import math
from collections.abc import Iterator

from torchward.facts import ModeProbe
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

LOOKS = 2
"""The last so many looks must agree: running statistics lag behind while training is fast."""
TIMES = 3.0
SHARE = 0.3
"""The loss in eval mode is so many times the one in train mode, and worse by this share of what a coin costs (ln 2)."""
WORSE = 1.1
"""... or so many times, where statistics were never filled."""


def check(probe: ModeProbe) -> Iterator[Finding]:
    pairs = list(zip(probe.steps, probe.training, probe.evaluation, strict=False))[-LOOKS:]
    if len(pairs) < LOOKS:
        return
    for _, training, evaluation in pairs:
        if not (math.isfinite(training) and math.isfinite(evaluation)) or training < 0:
            return
        if probe.unset and evaluation > WORSE * training:
            continue
        if evaluation < TIMES * training or evaluation < training + SHARE * math.log(2):
            return
    step, training, evaluation = pairs[-1]
    yield Finding(
        "MOD025",
        data={
            "model": probe.model,
            "training": training,
            "evaluation": evaluation,
            "step": step,
            "looks": len(probe.steps),
            "unset": probe.unset[:8] or ("-",),
        },
        place=at(probe.site, first=step),
        confidence=Confidence.LIKELY,
    )


RULE = Rule(
    code="MOD025",
    name="eval-mode-disagrees",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "At step {step} `{model}` has a loss of {training} on a batch in train mode (without dropout), and of "
        "{evaluation} on the same batch in eval mode.",
        "第 {step} 步时，`{model}` 在同一批次上，train 模式（不含 dropout）的损失"
        "为 {training}，eval 模式为 {evaluation}。",
    ),
    why=Text(
        "In eval mode something else is computed than what was trained: running statistics that are never "
        "updated, are updated far too slowly or too fast, or belong to other data. The model looks bad in "
        "validation although its weights are fine.",
        "eval 模式下计算的内容与训练时不同：运行统计量从未更新、更新得太慢或太快，或来自别的数据。于是权重本"
        "身没有问题，验证结果却很差。",
    ),
    fix=Text(
        "Look at what depends on `self.training`: batch norm with `momentum=0.1` and batches of 16 or more, "
        "statistics updated in `forward` (`self.mean.lerp_(mean.detach(), 0.1)`), or layers that need none "
        "(`nn.LayerNorm`, `nn.GroupNorm`).",
        "检查取决于 `self.training` 的部分：批归一化用 `momentum=0.1` 且批次不小"
        "于 16；自写的统计量要在 `forward` 中更新（`self.mean.lerp_(mean.de"
        "tach(), 0.1)`）；或换成不需要统计量的层（`nn.LayerNorm`、`nn.GroupN"
        "orm`）。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(1500, 10) * 3 + 5
y = (x[:, 0] * x[:, 1] > 25).long()


class Standardise(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.register_buffer("mean", torch.zeros(size))
        self.register_buffer("var", torch.ones(size))

    def forward(self, x):
        if self.training:
            mean, var = x.mean(0), x.var(0)
        else:
            mean, var = self.mean, self.var
        return (x - mean) / (var + 1e-5).sqrt()


model = nn.Sequential(Standardise(10), nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(12):
    model.train()
    for rows in torch.randperm(1200).split(50):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        print(epoch, (model(x[1200:]).argmax(1) == y[1200:]).float().mean().item())
""",
    good="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(1500, 10) * 3 + 5
y = (x[:, 0] * x[:, 1] > 25).long()


class Standardise(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.register_buffer("mean", torch.zeros(size))
        self.register_buffer("var", torch.ones(size))

    def forward(self, x):
        if self.training:
            mean, var = x.mean(0), x.var(0)
            self.mean.lerp_(mean.detach(), 0.1)
            self.var.lerp_(var.detach(), 0.1)
        else:
            mean, var = self.mean, self.var
        return (x - mean) / (var + 1e-5).sqrt()


model = nn.Sequential(Standardise(10), nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(12):
    model.train()
    for rows in torch.randperm(1200).split(50):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        print(epoch, (model(x[1200:]).argmax(1) == y[1200:]).float().mean().item())
""",
    links=("https://docs.pytorch.org/docs/stable/generated/torch.nn.BatchNorm1d.html",),
    explains=("TRN002", "TRN006"),
    explained_by=("MOD008", "MOD015", "MOD007", "MOD045", "OPT007", "NUM002"),
    needs=("probes",),
    preview=True,
)
