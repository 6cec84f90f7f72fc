"""NUM013: an operation within the model overflows, and what comes after it hides the infinities."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import OverflowProbe
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at


def check(probe: OverflowProbe) -> Iterator[Finding]:
    if not probe.changed:
        return
    yield Finding(
        "NUM013",
        data={
            "model": probe.model,
            "operation": probe.operation,
            "dtype": probe.dtype,
            "largest": probe.largest,
            "share": probe.share,
            "changed": probe.changed,
            "examples": probe.examples,
        },
        place=at(probe.site),
        # Whoever looks for infinities may have meant what is done about them.
        severity=Severity.HINT if probe.handled else None,
        confidence=Confidence.POSSIBLE if probe.handled else Confidence.LIKELY,
    )


RULE = Rule(
    code="NUM013",
    name="overflow-inside-the-forward-pass",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "`{operation}` in `{model}` makes {share:.0%} of its {dtype} results infinite or NaN out of finite numbers. "
        "The output hides it: {changed} of {examples} rows of a batch are finite, but others than without the overflow.",
        "`{model}` 中的 `{operation}` 把有限的数算成了无穷或 NaN（占其 {dtype} 结果的 {share:.0%}）。输出看不出来："
        "一个批次的 {examples} 行中有 {changed} 行虽然有限，却与没有溢出时不同。",
    ),
    why=Text(
        "The largest number of {dtype} is {largest:.3g}: in float16, the square of anything above 255 is infinite. "
        "`rsqrt(inf)` and `1 / inf` are 0, so that a normalised row becomes all zeros: nothing is NaN, neither the loss "
        "nor a gradient, but the model never sees these examples.",
        "{dtype} 能表示的最大数是 {largest:.3g}：在 float16 中，大于 255 的数平方后就是无穷。`rsqrt(inf)` 和 `1 / inf` 等于 0，"
        "于是归一化后的整行全为零：损失和梯度都不是 NaN，但模型根本看不到这些样本。",
    ),
    fix=Text(
        "Compute squares, sums, exponentials and norms in float32: `x = x.float()` before them, `.to(dtype)` after, as "
        "`nn.RMSNorm` and `F.layer_norm` do inside; or divide by the largest value first.",
        "平方、求和、指数和范数用 float32 计算：之前 `x = x.float()`，之后再 `.to(dtype)`，`nn.RMSNorm` 和 `F.layer_norm` "
        "内部就是这样做的；或者先除以最大值。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)
angles = torch.rand(2000) * 6.28
waves = torch.sin(angles[:, None] + torch.arange(16) * 0.4) * torch.exp(torch.randn(2000, 1) + 6)
waves = waves.half()
kinds = (angles / 1.57).long().clamp(max=3)


class UnitEnergy(nn.Module):
    def forward(self, x):
        energy = (x * x).mean(dim=1, keepdim=True)
        return (x / (energy + 1e-3).sqrt()).float()


model = nn.Sequential(UnitEnergy(), nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 4))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(6):
    for rows in torch.randperm(2000).split(50):
        loss = nn.functional.cross_entropy(model(waves[rows]), kinds[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    good="""\
import torch
from torch import nn

torch.manual_seed(0)
angles = torch.rand(2000) * 6.28
waves = torch.sin(angles[:, None] + torch.arange(16) * 0.4) * torch.exp(torch.randn(2000, 1) + 6)
waves = waves.half()
kinds = (angles / 1.57).long().clamp(max=3)


class UnitEnergy(nn.Module):
    def forward(self, x):
        x = x.float()
        energy = (x * x).mean(dim=1, keepdim=True)
        return x / (energy + 1e-3).sqrt()


model = nn.Sequential(UnitEnergy(), nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 4))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(6):
    for rows in torch.randperm(2000).split(50):
        loss = nn.functional.cross_entropy(model(waves[rows]), kinds[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    links=("https://docs.pytorch.org/docs/stable/notes/numerical_accuracy.html#extremal-values",),
    explains=("NUM011", "TRN001", "TRN003", "TRN004", "TRN006", "TRN007", "MOD010", "MOD025", "DAT002"),
    needs=("probes",),
    preview=True,
)
