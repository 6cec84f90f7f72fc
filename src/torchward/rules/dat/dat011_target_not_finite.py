"""DAT011: the targets hold NaN or infinite values."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Finding, Rule, Severity, Text
from torchward.rules._at import at


def check(run: Run) -> Iterator[Finding]:
    found = run.nonfinite
    if found is None or found.origin != "target":
        return
    stream = next((one for one in run.streams if one.index == found.stream), None)
    loss = next((one for one in run.losses if one.training and stream is not None and one.kind == stream.kind), None)
    site = (loss.site if loss is not None else None) or found.site or (stream.site if stream is not None else None)
    yield Finding(
        "DAT011",
        data={"step": found.step, "value": found.value, "loss": loss.kind if loss is not None else found.origin_op},
        place=at(site),
    )


RULE = Rule(
    code="DAT011",
    name="target-not-finite",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "At step {step} the targets given to `{loss}` hold NaN or infinite values, and the loss becomes {value}.",
        "第 {step} 步传给 `{loss}` 的目标中含有 NaN 或无穷大，损失因此变为 {value}。",
    ),
    why=Text(
        "One such value makes the loss, every gradient and, after the step, every weight NaN. The model "
        "itself is not to blame.",
        "只要有一个这样的值，损失和所有梯度就会变成 NaN，更新后所有权重也是 NaN。问题不在模型。",
    ),
    fix=Text(
        "Leave these examples out when the data is read: `keep = torch.isfinite(targets).flatten(1).all(1)`, "
        "then `inputs, targets = inputs[keep], targets[keep]`.",
        "读取数据时去掉这些样本：`keep = torch.isfinite(targets).flatten(1).all(1)`，再 `inputs, targets = in"
        "puts[keep], targets[keep]`。",
    ),
    bad="""\
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
inputs = torch.randn(1200, 6)
targets = inputs @ torch.randn(6, 1) + 0.1 * torch.randn(1200, 1)
targets[700] = float("nan")  # a missing measurement
loader = DataLoader(TensorDataset(inputs, targets), batch_size=40, shuffle=True)
model = nn.Sequential(nn.Linear(6, 16), nn.Tanh(), nn.Linear(16, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
for epoch in range(8):
    for x, y in loader:
        loss = nn.functional.mse_loss(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    good="""\
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
inputs = torch.randn(1200, 6)
targets = inputs @ torch.randn(6, 1) + 0.1 * torch.randn(1200, 1)
targets[700] = float("nan")  # a missing measurement
keep = targets[:, 0].isfinite()
inputs, targets = inputs[keep], targets[keep]
loader = DataLoader(TensorDataset(inputs, targets), batch_size=40, shuffle=True)
model = nn.Sequential(nn.Linear(6, 16), nn.Tanh(), nn.Linear(16, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
for epoch in range(8):
    for x, y in loader:
        loss = nn.functional.mse_loss(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    links=("https://docs.pytorch.org/docs/stable/generated/torch.isfinite.html",),
    explains=(
        "NUM001",
        "DAT001",
        "OPT007",
        "NUM002",
    ),
    needs=("loss",),
)
