"""LOS046: scores of images or sequences are reshaped to rows of classes without moving the class axis to the end."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Finding, Rule, Severity, Text
from torchward.rules._at import at


def check(run: Run) -> Iterator[Finding]:
    for stream in run.streams:
        if stream.mixed is None:
            continue
        before, after, axis, layer = stream.mixed
        yield Finding(
            "LOS046",
            data={"before": before, "after": after, "axis": axis, "classes": after[1], "layer": layer or "?"},
            place=at(stream.site, module=layer),
        )
        return


RULE = Rule(
    code="LOS046",
    name="classes-mixed-by-reshape",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "Scores of shape {before} (of `{layer}`), with {classes} classes along axis {axis}, are given the shape {after} as "
        "they lie in memory: the {classes} values that the loss takes for the classes of one place come from several "
        "places.",
        "形状为 {before} 的分数（来自 `{layer}`，{classes} 个类别在轴 {axis} 上）按内存顺序直接改成了 {after}：损失当作"
        "同一位置各类别分数的 {classes} 个值，其实来自不同的位置。",
    ),
    why=Text(
        "`reshape` and `view` move no axis. The loss then compares a target with scores of other places, and the model "
        "learns a pattern that only this order makes sense of: its maps are wrong wherever they are read as they are.",
        "`reshape` 和 `view` 不会移动任何轴。损失于是把目标与别的位置的分数相比较，模型学到的只在这种错乱的顺序下才有意义：按正常方式读取时，"
        "预测图都是错的。",
    ),
    fix=Text(
        "Move the axis: `F.cross_entropy` takes scores (batch, class, ...) with targets (batch, ...), so "
        "`scores.movedim(-1, 1)` where classes come last; for rows of classes `scores.movedim(1, -1).reshape(-1, {classes})`.",
        "请移动轴：`F.cross_entropy` 接受形状为（batch, class, ...）的分数和（batch, ...）的目标，类别在最后时用 "
        "`scores.movedim(-1, 1)`；需要每行一组类别时用 `scores.movedim(1, -1).reshape(-1, {classes})`。",
    ),
    bad="""\
import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(0)
images = torch.randn(400, 1, 12, 12)
masks = (F.avg_pool2d(images, 3, 1, 1)[:, 0] > 0).long() + (images[:, 0] > 1.0).long()
model = nn.Sequential(nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 3, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(10):
    for rows in torch.randperm(400).split(20):
        scores = model(images[rows])
        loss = F.cross_entropy(scores.reshape(-1, 3), masks[rows].reshape(-1))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    good="""\
import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(0)
images = torch.randn(400, 1, 12, 12)
masks = (F.avg_pool2d(images, 3, 1, 1)[:, 0] > 0).long() + (images[:, 0] > 1.0).long()
model = nn.Sequential(nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 3, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(10):
    for rows in torch.randperm(400).split(20):
        scores = model(images[rows])
        loss = F.cross_entropy(scores.movedim(1, -1).reshape(-1, 3), masks[rows].reshape(-1))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    links=("https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.cross_entropy.html",),
    explains=("DAT006", "MOD010", "TRN001", "TRN003", "TRN004", "TRN006"),
    needs=("graph",),
)
