"""DAT009: images whose channels were taken apart at the wrong places."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import InputProbe
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

DEVIATIONS = 4.0
"""Standard errors, in both of two ways. Noise, smooth textures, photographs, stripes and lattices of all periods came
to 2 at most, in 2,300 made-up batches of 8 to 128; random maps of three or four channels from layers with a stride of as
many are beyond it, and lie in memory as scrambled images do."""
TINTS, FAINT = 6.0, 2.0
"""Standard errors: where every "channel" holds all tints of the image, rows and columns need less. Of 5,280
made-up batches of sound images, only diagonal gratings of that very period had both, and they are beyond `DEVIATIONS`.
Small spots in noise, scrambled, have 10 to 20 and 2 to 5 in batches of 128."""
SAME_IN_PLANES = 0.65
"""Textures with a period of as many pixels as there are channels have the same in every channel: as much as between
their rows. Scrambled images have a fraction of it."""


def check(probe: InputProbe) -> Iterator[Finding]:
    if probe.near is None or probe.apart is None or len(probe.shape) != 4:
        return
    # Rows that are one channel each lie next to each other; so do columns, or, where the colours hardly differ, pixels.
    clear = min(probe.rows_peak, max(probe.columns_peak, probe.pixel_edges)) >= DEVIATIONS
    if not clear and (probe.tints_peak < TINTS or min(probe.rows_peak, probe.columns_peak) < FAINT):
        return
    if probe.planes_peak > SAME_IN_PLANES * (probe.apart - probe.near):
        return
    data = {"model": probe.model, "shape": probe.shape, "channels": probe.shape[1]}
    yield Finding(
        "DAT009",
        data={**data, "near": probe.near, "apart": probe.apart},
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
        "The images given to `{model}`, of shape {shape}, are scrambled: rows that lie {channels} apart are alike "
        "(correlation {apart}), nearer ones are less ({near} at most), as in (height, width, channel) data that was given "
        "another shape without moving the axis.",
        "给 `{model}` 的图像（形状 {shape}）内容被打乱：相隔 {channels} 行的内容相似（相关系数 {apart}），"
        "更近的行反而不相似（最多只有 {near}），说明（高, 宽, 通道）的数据只改了形状而没有移动轴。",
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
    explains=("TRN001", "TRN002", "TRN004", "DAT006"),
    needs=("probes",),
)
