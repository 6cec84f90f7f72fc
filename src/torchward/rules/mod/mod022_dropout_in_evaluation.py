"""MOD022: dropout goes on in eval mode."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import RepeatProbe
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

CHANGE = 1e-2
"""In deviations of the outputs: dropout moves them by far more, rounding by far less."""


def check(probe: RepeatProbe) -> Iterator[Finding]:
    if not probe.dropouts or probe.asked_for or probe.random < CHANGE:
        return
    yield Finding(
        "MOD022",
        data={
            "model": probe.model,
            "change": probe.random,
            "share": probe.dropout,
            "modules": tuple(name or probe.model for name in probe.dropouts[:8]),
        },
        place=at(probe.site, module=probe.dropouts[0]),
        confidence=Confidence.LIKELY,
    )


RULE = Rule(
    code="MOD022",
    name="dropout-in-evaluation",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "In eval mode `{model}` still drops {share:.0%} of its values (in {modules}): for the same input its "
        "outputs differ from call to call by up to {change} standard deviations.",
        "在 eval 模式下 `{model}` 仍会丢弃 {share:.0%} 的值（位于 {modules"
        "}）：同样的输入，两次调用的输出最多相差 {change} 个标准差。",
    ),
    why=Text(
        "`F.dropout` drops by default, whatever mode the model is in, and so does an `nn.Dropout()` that is made "
        "inside `forward` and the `dropout_p` of `scaled_dot_product_attention`. Every evaluation is then noisier"
        " and worse than the model is.",
        "`F.dropout` 默认总会丢弃，与模型所处模式无关；在 `forward` 里临时创建的 `nn."
        "Dropout()` 和 `scaled_dot_product_attention` 的 `dropo"
        "ut_p` 也一样。于是每次评估都带噪声，并且比模型的真实水平差。",
    ),
    fix=Text(
        "Write `F.dropout(h, p, training=self.training)`, or make `self.dropout = nn.Dropout(p)` in `__init__` "
        "and call that. If evaluation is to be random (Monte Carlo dropout), say so: `training=True`.",
        "写 `F.dropout(h, p, training=self.training)`，或者在 `__i"
        "nit__` 中创建 `self.dropout = nn.Dropout(p)` 再调用它。若评估本就"
        "要随机（蒙特卡洛 dropout），请写明 `training=True`。",
    ),
    bad="""\
import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)
x = torch.randn(1200, 20)
y = (x @ torch.randn(20, 3)).argmax(1)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(20, 64)
        self.out = nn.Linear(64, 3)

    def forward(self, x):
        h = F.relu(self.hidden(x))
        return self.out(F.dropout(h, 0.5))


model = Net()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(8):
    model.train()
    for rows in torch.randperm(1000).split(50):
        loss = F.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        print(epoch, (model(x[1000:]).argmax(1) == y[1000:]).float().mean().item())
""",
    good="""\
import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)
x = torch.randn(1200, 20)
y = (x @ torch.randn(20, 3)).argmax(1)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(20, 64)
        self.out = nn.Linear(64, 3)

    def forward(self, x):
        h = F.relu(self.hidden(x))
        return self.out(F.dropout(h, 0.5, training=self.training))


model = Net()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(8):
    model.train()
    for rows in torch.randperm(1000).split(50):
        loss = F.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        print(epoch, (model(x[1000:]).argmax(1) == y[1000:]).float().mean().item())
""",
    links=("https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.dropout.html",),
    explains=("TRN006", "TRN002"),
    needs=("probes",),
    preview=True,
)
