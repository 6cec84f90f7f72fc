"""MOD045: one batch norm normalises streams that differ, so that its running statistics fit none of them."""

from __future__ import annotations

import math
from collections.abc import Iterator

from torchward.facts import ModeProbe
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

LOOKS = 2
"""The last so many looks must agree: running statistics lag behind while training is fast."""
TIMES = 2.0
SHARE = 0.3
"""The loss in eval mode is so many times the one with own statistics in these layers alone, and worse by this share of
what a coin costs (ln 2). Less than for MOD025: the cause is known, and statistics of 16 examples are noisy themselves.
Twins, and steps of a stationary sequence, are at 0.8 to 1.0 times: their streams are alike."""
GAP = 1.0
"""Deviations that the means of two calls are apart, on 16 examples: 0.15 for twins, 0.3 for the 8 calls of a stationary
sequence that are furthest apart, 2 behind two layers of one network, 25 for two sensors in units of their own."""
FAR, NEARER = 10.0, 0.5
"""Where the loss is so many times as large, half of these differences is enough: streams that are alike lose nothing."""
RATIO = 2.0
"""... or times that their deviations differ: 1.1, 1.4, 18 and 1.5 for the same ones."""


def check(probe: ModeProbe) -> Iterator[Finding]:
    looks = probe.own[-LOOKS:]
    far = all(math.isfinite(running) and running >= FAR * own for own, running in looks)
    part = NEARER if far else 1.0
    norms = [one for one in probe.mixed if one[2] >= part * GAP or one[3] >= 1 + part * (RATIO - 1)]
    if not norms or len(looks) < LOOKS:
        return
    for own, running in looks:
        if not (math.isfinite(own) and math.isfinite(running)) or own < 0:
            return
        if running < TIMES * own or running < own + SHARE * math.log(2):
            return
    path, calls, gap, ratio = max(norms, key=lambda one: max(one[2] / GAP, one[3] / RATIO))
    yield Finding(
        "MOD045",
        data={
            "model": probe.model,
            "layer": path,
            "calls": calls,
            "gap": gap,
            "ratio": ratio,
            "own": looks[-1][0],
            "running": looks[-1][1],
        },
        place=at(probe.site, module=path, first=probe.steps[-1] if probe.steps else None),
        confidence=Confidence.LIKELY,
    )


RULE = Rule(
    code="MOD045",
    name="one-norm-for-two-streams",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "The batch norm `{layer}` of `{model}` is called {calls} times in a pass, on values whose means lie {gap:.2g} "
        "deviations apart (deviations: {ratio:.2g} times). In eval mode the loss of a batch is {running}; with "
        "statistics of the batch in that layer, {own}.",
        "`{model}` 的批归一化 `{layer}` 在一次前向中被调用 {calls} 次，各次输入的均值相差 {gap:.2g} 个标准差"
        "（标准差相差 {ratio:.2g} 倍）。eval 模式下一个批次的损失为 {running}；若该层改用批次自身的统计量，则为 {own}。",
    ),
    why=Text(
        "In training each call normalises with its own batch, and all is well. The running mean and variance become a "
        "mixture of the streams, and in eval mode neither is normalised as it was in training.",
        "训练时每次调用都用自己的批次统计量归一化，一切正常。但滑动均值和方差成了几路数据的混合，eval 模式下哪一路都"
        "不再像训练时那样被归一化。",
    ),
    fix=Text(
        "Give each stream a batch norm of its own. It may be shared by accident: a default argument "
        "`norm=nn.BatchNorm1d(24)` is made once for all calls of the function, `[block] * n` repeats one block, and "
        "`self.bn` may stand behind two layers.",
        "为每一路数据各建一个批归一化。它可能是无意中共享的：默认参数 `norm=nn.BatchNorm1d(24)` 只创建一次，"
        "`[block] * n` 只是重复同一个块，或者 `self.bn` 被用在了两个层之后。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)
signal = torch.randn(2000, 2)
pressure = signal[:, :1] * torch.rand(8) + 100 + 0.3 * torch.randn(2000, 8)
flow = signal[:, 1:] * torch.rand(8) - 5 + 0.3 * torch.randn(2000, 8)
target = (signal[:, :1] * signal[:, 1:]) + signal[:, :1]


class Pump(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm1d(8)
        self.one, self.two = nn.Linear(8, 16), nn.Linear(8, 16)
        self.out = nn.Sequential(nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 1))

    def forward(self, pressure, flow):
        one, two = self.one(self.norm(pressure)), self.two(self.norm(flow))
        return self.out(torch.relu(torch.cat([one, two], dim=1)))


model = Pump()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(10):
    model.train()
    for rows in torch.randperm(1600).split(40):
        loss = nn.functional.mse_loss(model(pressure[rows], flow[rows]), target[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        print(epoch, nn.functional.mse_loss(model(pressure[1600:], flow[1600:]), target[1600:]).item())
""",
    good="""\
import torch
from torch import nn

torch.manual_seed(0)
signal = torch.randn(2000, 2)
pressure = signal[:, :1] * torch.rand(8) + 100 + 0.3 * torch.randn(2000, 8)
flow = signal[:, 1:] * torch.rand(8) - 5 + 0.3 * torch.randn(2000, 8)
target = (signal[:, :1] * signal[:, 1:]) + signal[:, :1]


class Pump(nn.Module):
    def __init__(self):
        super().__init__()
        self.of_pressure, self.of_flow = nn.BatchNorm1d(8), nn.BatchNorm1d(8)
        self.one, self.two = nn.Linear(8, 16), nn.Linear(8, 16)
        self.out = nn.Sequential(nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 1))

    def forward(self, pressure, flow):
        one, two = self.one(self.of_pressure(pressure)), self.two(self.of_flow(flow))
        return self.out(torch.relu(torch.cat([one, two], dim=1)))


model = Pump()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(10):
    model.train()
    for rows in torch.randperm(1600).split(40):
        loss = nn.functional.mse_loss(model(pressure[rows], flow[rows]), target[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        print(epoch, nn.functional.mse_loss(model(pressure[1600:], flow[1600:]), target[1600:]).item())
""",
    links=("https://docs.pytorch.org/docs/stable/generated/torch.nn.BatchNorm1d.html",),
    explains=("MOD025", "TRN002", "TRN006"),
    explained_by=("MOD014", "MOD015", "NUM002"),
    needs=("probes",),
    preview=True,
)
