"""DAT025: a large part of the training examples is empty: one value throughout."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

BATCHES, EXAMPLES = 5, 100
SOME, MANY = 0.1, 0.5
"""Share of such examples. Measured ones are never quite even; few come from blank pages or background, but not half."""
IMAGES = 4
"""Axes of a batch of these. In tables a row of zeros may be a meaning: nothing bought, no word known."""


def check(run: Run) -> Iterator[Finding]:
    for found in run.empties:
        if found.batches < BATCHES or found.examples < EXAMPLES or found.empty < SOME * found.examples:
            continue
        model = next((one for one in run.models if one.index == found.model), None)
        if model is None or not model.in_trainings or any(one.adversarial for one in run.trainings):
            continue
        sure = found.axes == IMAGES and found.empty >= MANY * found.examples
        yield Finding(
            "DAT025",
            data={
                "model": model.name,
                "share": found.empty / found.examples,
                "examples": found.examples,
                "batches": found.batches,
            },
            place=at(model.site),
            confidence=Confidence.LIKELY if sure else Confidence.POSSIBLE,
            severity=None if sure else Severity.HINT,
        )


RULE = Rule(
    code="DAT025",
    name="empty-examples",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "{share:.0%} of the {examples} examples that `{model}` was given in {batches} sampled training batches are empty: all of "
        "their numbers are the same.",
        "在 {batches} 个采样的训练批次中，`{model}` 收到的 {examples} 个样本里有 {share:.0%} 是空的：其中所有数值都相同。",
    ),
    why=Text(
        "An empty example says nothing of its label, so the model learns to guess it. Where nothing is empty by nature, a crop "
        "beside the picture, an overflow in half precision, a lost file or a mask the wrong way round made it so.",
        "空样本与其标签毫无关系，模型只能学会猜测。如果数据本来并不为空，那么多半是裁剪到了图像之外、半精度溢出、文件缺失或掩码弄反造成的。",
    ),
    fix=Text(
        "Look at some of them where they are made: `(x.flatten(1).amax(1) == x.flatten(1).amin(1)).float().mean()` after each "
        "step of the preprocessing tells which of them it is. Images are indexed `[row, column]`, that is `[y, x]`.",
        "在生成它们的地方检查：在预处理的每一步之后计算 `(x.flatten(1).amax(1) == x.flatten(1).amin(1)).float().mean()`，"
        "就能看出是哪一步出了问题。图像的索引是 `[行, 列]`，即 `[y, x]`。",
    ),
    bad="""\
import numpy as np
import torch
from torch import nn

torch.manual_seed(0)
rng = np.random.default_rng(0)
strips, cells, labels = rng.normal(0, 0.1, (40, 24, 160)).astype(np.float32), [], []
for number in range(900):
    strip, y, x, kind = rng.integers(40), rng.integers(5, 19), rng.integers(5, 155), rng.integers(2)
    strips[strip, y - 2 : y + 3, x - 2 : x + 3] += 1.0 if kind else np.eye(5, dtype=np.float32) * 2
    cells.append((strip, y, x))
    labels.append(kind)


def crop(strip, y, x, size=10):
    image = np.zeros((size, size), np.float32)
    part = strips[strip, max(0, x - 5) : x + 5, max(0, y - 5) : y + 5]
    image[: part.shape[0], : part.shape[1]] = part
    return image


images = torch.tensor(np.stack([crop(*cell) for cell in cells])).unsqueeze(1)
labels = torch.tensor(labels)
model = nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(32, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(10):
    for rows in torch.randperm(900).split(45):
        loss = nn.functional.cross_entropy(model(images[rows]), labels[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    good="""\
import numpy as np
import torch
from torch import nn

torch.manual_seed(0)
rng = np.random.default_rng(0)
strips, cells, labels = rng.normal(0, 0.1, (40, 24, 160)).astype(np.float32), [], []
for number in range(900):
    strip, y, x, kind = rng.integers(40), rng.integers(5, 19), rng.integers(5, 155), rng.integers(2)
    strips[strip, y - 2 : y + 3, x - 2 : x + 3] += 1.0 if kind else np.eye(5, dtype=np.float32) * 2
    cells.append((strip, y, x))
    labels.append(kind)


def crop(strip, y, x, size=10):
    image = np.zeros((size, size), np.float32)
    part = strips[strip, max(0, y - 5) : y + 5, max(0, x - 5) : x + 5]
    image[: part.shape[0], : part.shape[1]] = part
    return image


images = torch.tensor(np.stack([crop(*cell) for cell in cells])).unsqueeze(1)
labels = torch.tensor(labels)
model = nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(32, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(10):
    for rows in torch.randperm(900).split(45):
        loss = nn.functional.cross_entropy(model(images[rows]), labels[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    links=("https://numpy.org/doc/stable/user/basics.indexing.html",),
    explains=("TRN*", "DAT006", "DAT041"),
    needs=("modules",),
    preview=True,
)
