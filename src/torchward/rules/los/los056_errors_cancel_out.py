"""LOS056: signed errors are averaged before they are squared, so that those of both signs cancel out."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

MINIMUM_SAMPLES = 2


def check(run: Run) -> Iterator[Finding]:
    for stream in run.streams:
        if stream.averaged is None or len(stream.values) < MINIMUM_SAMPLES:
            continue
        errors, means, operation = stream.averaged
        yield Finding(
            "LOS056",
            data={"errors": errors, "means": means, "operation": operation},
            place=at(stream.site, stream.values),
            confidence=Confidence.LIKELY,
        )


RULE = Rule(
    code="LOS056",
    name="errors-cancel-out",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "The loss averages the errors of shape {errors} with their signs, to {means}, and only then takes their size "
        "({operation}): an error of +1 and one of -1 count as none.",
        "损失先把形状为 {errors} 的误差连同符号一起求平均，得到 {means}，之后才取大小（{operation}）：+1 与 -1 的误差互相抵消，等于没有误差。",
    ),
    why=Text(
        "Only the average of the prediction is trained. Any prediction with the right mean has a loss of 0, however "
        "wrong it is at each place.",
        "这样只训练了预测的平均值。只要平均值正确，无论每个位置错得多离谱，损失都是 0。",
    ),
    fix=Text(
        "Square first, average after: `(prediction - target).square().mean()`, or "
        "`torch.nn.functional.mse_loss(prediction, target)`.",
        "先平方，再平均：`(prediction - target).square().mean()`，或 "
        "`torch.nn.functional.mse_loss(prediction, target)`。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(1000, 6)
y = torch.sin(x[:, :1]) + x[:, 1:2] * x[:, 2:3]
model = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for step in range(300):
    rows = torch.randint(0, 800, (50,))
    loss = (model(x[rows]) - y[rows]).mean().abs()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
with torch.no_grad():
    print((model(x[800:]) - y[800:]).abs().mean().item())
""",
    good="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(1000, 6)
y = torch.sin(x[:, :1]) + x[:, 1:2] * x[:, 2:3]
model = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for step in range(300):
    rows = torch.randint(0, 800, (50,))
    loss = (model(x[rows]) - y[rows]).abs().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
with torch.no_grad():
    print((model(x[800:]) - y[800:]).abs().mean().item())
""",
    links=("https://docs.pytorch.org/docs/stable/generated/torch.nn.MSELoss.html",),
    explains=("TRN*", "MOD010", "DAT006", "LOS003"),
    needs=("loss", "graph"),
)
