"""DAT009: images whose channels were taken apart at the wrong places."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import InputProbe
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

CLOSER = 0.9
"""Neighbouring pixels of an image are alike, and the further apart the less (autocorrelation of natural images falls
with distance, noise has none). Values that are more alike three columns apart than any nearer ones are of the same
colour; six columns apart they are less alike again, where stripes are as much."""
DEVIATIONS = 6.0
"""Of a correlation of unrelated values."""


def check(probe: InputProbe) -> Iterator[Finding]:
    near, apart, twice = probe.near, probe.channels_apart, probe.twice_apart
    if near is None or apart is None or twice is None or len(probe.shape) != 4 or not probe.values:
        return
    if 1 - apart > CLOSER * (1 - max(near, twice)) or apart - near < DEVIATIONS / probe.values**0.5:
        return
    channels = probe.shape[1]
    yield Finding(
        "DAT009",
        data={"model": probe.model, "shape": probe.shape, "channels": channels, "near": near, "apart": apart},
        place=at(probe.site),
        confidence=Confidence.LIKELY,
    )


RULE = Rule(
    code="DAT009",
    name="channels-scrambled",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "The images given to `{model}`, of shape {shape}, are scrambled: values {channels} columns apart correlate by "
        "{apart}, nearer ones by {near} at most, as in (height, width, channel) data that was given another shape "
        "without moving the axis.",
        "给 `{model}` 的图像（形状 {shape}）内容被打乱：相隔 {channels} 列的值相关系数为 {apart}，"
        "更近的值最多只有 {near}，说明（高, 宽, 通道）的数据只改了形状而没有移动轴。",
    ),
    why=Text(
        '`view` and `reshape` keep the order of the values in memory: each "channel" then holds a third of the image '
        "with all its colours side by side, and convolutions find no edges or shapes in it.",
        "`view` 和 `reshape` 保持数值在内存中的顺序：每个“通道”实际是图像的一部分，各种颜色的值交错排列，"
        "卷积无法从中找到边缘和形状。",
    ),
    fix=Text(
        "Move the axis: `x = x.permute(0, 3, 1, 2)` (one image: `x.permute(2, 0, 1)`, NumPy: "
        "`x.transpose(2, 0, 1)`), instead of `view` or `reshape`.",
        "改用移动轴的操作：`x = x.permute(0, 3, 1, 2)`（单张图像 `x.permute(2, 0, 1)`，NumPy 用 "
        "`x.transpose(2, 0, 1)`），不要用 `view` 或 `reshape`。",
    ),
    bad="""\
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
grid = torch.linspace(-1, 1, 16)
colour = torch.rand(600, 1, 1, 3)
centre = torch.rand(600, 2) - 0.5
distance = (grid[None, :, None] - centre[:, :1, None]) ** 2 + (grid[None, None, :] - centre[:, 1:, None]) ** 2
images = torch.exp(-6 * distance)[..., None] * colour + 0.05 * torch.randn(600, 16, 16, 3)
labels = colour[:, 0, 0].argmax(1)

images = images.reshape(600, 3, 16, 16)
model = nn.Sequential(
    nn.Conv2d(3, 12, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(48, 3)
)
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
for epoch in range(10):
    for x, y in DataLoader(TensorDataset(images, labels), batch_size=30, shuffle=True):
        loss = nn.functional.cross_entropy(model(x), y)
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
grid = torch.linspace(-1, 1, 16)
colour = torch.rand(600, 1, 1, 3)
centre = torch.rand(600, 2) - 0.5
distance = (grid[None, :, None] - centre[:, :1, None]) ** 2 + (grid[None, None, :] - centre[:, 1:, None]) ** 2
images = torch.exp(-6 * distance)[..., None] * colour + 0.05 * torch.randn(600, 16, 16, 3)
labels = colour[:, 0, 0].argmax(1)

images = images.permute(0, 3, 1, 2)
model = nn.Sequential(
    nn.Conv2d(3, 12, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(48, 3)
)
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
for epoch in range(10):
    for x, y in DataLoader(TensorDataset(images, labels), batch_size=30, shuffle=True):
        loss = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    links=("https://docs.pytorch.org/docs/stable/generated/torch.permute.html",),
    explains=("TRN001", "TRN002", "TRN004"),
    needs=("probes",),
)
