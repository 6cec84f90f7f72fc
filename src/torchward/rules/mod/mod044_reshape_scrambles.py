"""MOD044: a `view` or `reshape` stands where axes have to be exchanged, and mixes values of different places."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import ReshapeProbe
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at


def check(probe: ReshapeProbe) -> Iterator[Finding]:
    if probe.before:
        data = {"model": probe.model, "before": probe.before, "after": probe.after}
        yield Finding("MOD044", data, at(probe.site), Confidence.LIKELY)


RULE = Rule(
    code="MOD044",
    name="reshape-scrambles",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "in `{model}`, a tensor of shape {before} is reshaped to {after}: the new axes cut across the old ones.",
        "在 `{model}` 中，形状为 {before} 的张量被变形为 {after}：新的轴切断了原来的轴。",
    ),
    why=Text(
        "`view` and `reshape` keep the order of the values and only cut it anew. One row of the result then holds pieces "
        "of several channels, time steps or examples; the shapes fit, so nothing fails, and the model learns badly.",
        "`view` 和 `reshape` 保持数值的顺序，只是重新切分。结果的一行里混入了多个通道、时间步或样本的片段；"
        "形状对得上，所以不会报错，但模型学得很差。",
    ),
    fix=Text(
        "Exchange the axes first, then join them: `x.permute(0, 2, 3, 1).reshape(n, h * w, c)`; for patches split, "
        "permute, join: `x.reshape(n, c, gh, p, gw, p).permute(0, 2, 4, 1, 3, 5).reshape(n, gh * gw, c * p * p)`.",
        "先交换轴再合并：`x.permute(0, 2, 3, 1).reshape(n, h * w, c)`；切图块时先拆分、再交换、再合并："
        "`x.reshape(n, c, gh, p, gw, p).permute(0, 2, 4, 1, 3, 5).reshape(n, gh * gw, c * p * p)`。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)
pictures = torch.randn(600, 6, 10, 10) * 0.5
kinds = torch.randint(0, 2, (600,))
pictures[kinds == 1, :, 2:5, 2:5] += torch.tensor([1.0, -1.0, 1.0, -1.0, 1.0, -1.0])[:, None, None]


class Pixels(nn.Module):
    def __init__(self):
        super().__init__()
        self.each = nn.Sequential(nn.Linear(6, 24), nn.ReLU())
        self.out = nn.Linear(24, 2)

    def forward(self, x):
        n, c, h, w = x.shape
        return self.out(self.each(x.view(n, h * w, c)).amax(1))


model = Pixels()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(10):
    for rows in torch.randperm(600).split(40):
        loss = nn.functional.cross_entropy(model(pictures[rows]), kinds[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    good="""\
import torch
from torch import nn

torch.manual_seed(0)
pictures = torch.randn(600, 6, 10, 10) * 0.5
kinds = torch.randint(0, 2, (600,))
pictures[kinds == 1, :, 2:5, 2:5] += torch.tensor([1.0, -1.0, 1.0, -1.0, 1.0, -1.0])[:, None, None]


class Pixels(nn.Module):
    def __init__(self):
        super().__init__()
        self.each = nn.Sequential(nn.Linear(6, 24), nn.ReLU())
        self.out = nn.Linear(24, 2)

    def forward(self, x):
        n, c, h, w = x.shape
        return self.out(self.each(x.permute(0, 2, 3, 1).reshape(n, h * w, c)).amax(1))


model = Pixels()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(10):
    for rows in torch.randperm(600).split(40):
        loss = nn.functional.cross_entropy(model(pictures[rows]), kinds[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    links=("https://docs.pytorch.org/docs/stable/generated/torch.Tensor.view.html",),
    explains=("TRN001", "TRN003", "TRN004", "TRN006", "DAT006", "MOD009", "MOD012"),
    needs=("probes",),
    preview=True,
)
