"""MOD029: values grow or shrink from layer to layer at the start."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise

from torchward.facts import ScaleProbe
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

LAYERS = 5
FACTOR = 1e3
"""Between the first and the last of the inner layers. He et al. 2015 (section 2.2) keep it at 1; PyTorch's default for
`nn.Linear` shrinks the signal by about 2.4 per layer behind a ReLU."""
PER_LAYER = 4.0
STEADY = 0.8
"""Share of the layers that go in the same direction."""


def check(probe: ScaleProbe) -> Iterator[Finding]:
    inner = probe.scales[:-1]
    if len(inner) < LAYERS or not all(math.isfinite(scale) and scale > 0 for scale in inner):
        return
    grows = inner[-1] > inner[0]
    factor = inner[-1] / inner[0] if grows else inner[0] / inner[-1]
    along = sum((after > before) == grows for before, after in pairwise(inner))
    per_layer = factor ** (1 / (len(inner) - 1))
    if factor < FACTOR or per_layer < PER_LAYER or along < STEADY * (len(inner) - 1):
        return
    yield Finding(
        "MOD029",
        data={
            "model": probe.model,
            "layers": len(inner),
            "first": inner[0],
            "last": inner[-1],
            "first_layer": probe.layers[0],
            "last_layer": probe.layers[len(inner) - 1],
            "per_layer": per_layer,
        },
        place=at(probe.site, module=probe.layers[len(inner) - 1]),
        confidence=Confidence.POSSIBLE,
    )


RULE = Rule(
    code="MOD029",
    name="signal-scale-drifts",
    severity=Severity.HINT,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "Over {layers} layers the size of the values goes from {first} (`{first_layer}`) to {last} "
        "(`{last_layer}`), by a factor of {per_layer:.1f} per layer.",
        "经过 {layers} 层，数值大小从 {first}（`{first_layer}`）变为 {last"
        "}（`{last_layer}`），每层相差 {per_layer:.1f} 倍。",
    ),
    why=Text(
        "Gradients drift likewise, in the other direction: some layers get steps that are far too large, others "
        "none. It grows with depth.",
        "梯度也会沿反方向同样漂移：有的层步子过大，有的层几乎不动。层数越多越严重。",
    ),
    fix=Text(
        'Initialise for the activation, `nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")`, and put a '
        "normalisation layer or a residual connection around each block.",
        "按激活函数初始化：`nn.init.kaiming_normal_(layer.weight, nonl"
        'inearity="relu")`，并给每个块加上归一化层或残差连接。',
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(1000, 20)
y = (x @ torch.randn(20, 3)).argmax(1)


class Deep(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(20, 32)
        self.middle = nn.ModuleList(nn.Linear(32, 32) for _ in range(8))
        self.norm = nn.LayerNorm(32)
        self.last = nn.Linear(32, 3)
        for layer in self.middle:
            nn.init.normal_(layer.weight, std=1.5)

    def forward(self, x):
        h = torch.relu(self.first(x))
        for layer in self.middle:
            h = torch.relu(layer(h))
        return self.last(self.norm(h))


model = Deep()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(12):
    for rows in torch.randperm(1000).split(40):
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
x = torch.randn(1000, 20)
y = (x @ torch.randn(20, 3)).argmax(1)


class Deep(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(20, 32)
        self.middle = nn.ModuleList(nn.Linear(32, 32) for _ in range(8))
        self.norm = nn.LayerNorm(32)
        self.last = nn.Linear(32, 3)
        for layer in self.middle:
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")

    def forward(self, x):
        h = torch.relu(self.first(x))
        for layer in self.middle:
            h = torch.relu(layer(h))
        return self.last(self.norm(h))


model = Deep()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(12):
    for rows in torch.randperm(1000).split(40):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    links=("https://arxiv.org/abs/1502.01852", "https://docs.pytorch.org/docs/stable/nn.init.html"),
    explains=("LOS007",),
    explained_by=("NUM*", "MOD003", "MOD004", "OPT*", "DAT002"),
    needs=("probes",),
    preview=True,
)
