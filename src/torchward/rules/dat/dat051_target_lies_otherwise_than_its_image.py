"""DAT051: masks or maps lie mirrored, turned or transposed beside the images that they belong to."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Orientation, Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

DISTINCT = 32
"""Different targets."""
LEAST = 0.1
"""Correlation of targets that were turned back with their images: 0.59 measured for cells in noise of half their
brightness, where that of the other turns was 0.02 to 0.13."""
ERRORS = 8.0
"""... in standard errors: it is the largest of some hundred, of several features and turns, by chance below 4."""
PART = 0.4
"""Share of it that targets as they are may reach. Where what is seen is large, or in the middle, mirrored ones overlap."""
COPY = 0.98
"""From here on the target is the image itself, turned: what the model is to learn may be just that."""
OWN, TIMES = 0.1, 3.0
"""Correlation of the first predictions with the images as they are, and how many times that in the other orientation:
a model that turns its input itself, or looks everywhere at once, answers elsewhere. Measured: 0.2 to 0.8 beside 0.01
to 0.15 for convolutions, 0.07 beside 0.2 for a dense network, 0.15 beside 0.9 for one that transposes."""
CERTAIN = ("cross_entropy", "nll_loss", "binary_cross_entropy", "binary_cross_entropy_with_logits")
"""Losses of masks."""


def _lies_so(seen: Orientation) -> int | None:
    """Number of the turn by which the targets lie otherwise."""
    found = seen.correlations
    best = max(range(len(found)), key=lambda turn: found[turn])
    if best == 0 or seen.distinct < DISTINCT or len(seen.own) != len(found):
        return None
    sure = max(LEAST, ERRORS * seen.error(best)) <= found[best] < COPY and found[0] <= PART * found[best]
    straight = seen.own[0] >= max(OWN, TIMES * seen.own[best])
    return best if sure and straight else None


def check(run: Run) -> Iterator[Finding]:
    for seen in run.orientations:
        turn = _lies_so(seen)
        if turn is None:
            continue
        yield Finding(
            "DAT051",
            data={
                "turn": seen.name(turn),
                "as_is": seen.correlations[0],
                "turned": seen.correlations[turn],
                "examples": seen.distinct,
            },
            place=at(seen.site),
            confidence=Confidence.LIKELY,
            severity=None if seen.loss_kind in CERTAIN else Severity.WARNING,
        )
        return


RULE = Rule(
    code="DAT051",
    name="target-lies-otherwise-than-its-image",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "Targets lie otherwise than their images ({turn}): over {examples} examples they correlate with what the image "
        "shows at the same place by {as_is:.2f}, and by {turned:.2f} once this is undone.",
        "目标与其图像的方位不一致（{turn}）：在 {examples} 个样本上，目标与图像同一位置内容的相关系数为 {as_is:.2f}，"
        "撤销该变换后为 {turned:.2f}。",
    ),
    why=Text(
        "The loss asks for an answer at another place than where the thing is. A network of convolutions, that answers "
        "where it looks, can only learn how often each place is asked for. Common ways to this: run lengths that are "
        "written column after column and read row after row, a map whose origin is at the bottom left, width and height "
        "exchanged.",
        "损失要求的位置并不是物体实际所在的位置。卷积网络在它所看的位置作答，因而只能学到每个位置出现目标的频率。常见原因："
        "按列编码的游程被按行解码，地图的原点在左下角，或宽与高被互换。",
    ),
    fix=Text(
        "Draw one image with its target on top, `plt.imshow(image); plt.imshow(mask, alpha=0.5)`, and undo it where the "
        "target is read: `flat.reshape(width, height).T` for run lengths by columns (COCO, most of Kaggle), "
        "`mask.flip(-2)` for an origin at the bottom, `[row, column]` is `[y, x]`.",
        "把一张图像与其目标叠加画出来，`plt.imshow(image); plt.imshow(mask, alpha=0.5)`，并在读取目标处撤销该变换：按列编码的游程"
        "（COCO 及大多数 Kaggle 数据）用 `flat.reshape(width, height).T`，原点在下方时用 `mask.flip(-2)`，注意 `[行, 列]` 即 "
        "`[y, x]`。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)
SIZE = 32


def runs(mask):
    # As the annotation tool writes them: column after column.
    return mask.t().reshape(-1).nonzero().flatten().tolist()


def decode(pixels):
    mask = torch.zeros(SIZE * SIZE)
    mask[pixels] = 1
    return mask.reshape(SIZE, SIZE)


rows, columns = torch.meshgrid(torch.arange(SIZE), torch.arange(SIZE), indexing="ij")
images, annotations = [], []
for _ in range(192):
    row, column, tall, wide = (torch.rand(4) * torch.tensor([22, 22, 5, 3]) + torch.tensor([5, 5, 2, 2])).tolist()
    cell = ((rows - row) / tall) ** 2 + ((columns - column) / wide) ** 2 < 1
    images.append(0.8 * cell + 0.4 * torch.randn(SIZE, SIZE))
    annotations.append(runs(cell))
images, masks = torch.stack(images)[:, None], torch.stack([decode(one) for one in annotations])[:, None]

model = nn.Sequential(
    nn.Conv2d(1, 12, 5, padding=2), nn.ReLU(), nn.Conv2d(12, 12, 5, padding=2), nn.ReLU(), nn.Conv2d(12, 1, 1)
)
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(4):
    order = torch.randperm(len(images))
    for start in range(0, len(images), 16):
        some = order[start : start + 16]
        loss = nn.functional.binary_cross_entropy_with_logits(model(images[some]), masks[some])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    good="""\
import torch
from torch import nn

torch.manual_seed(0)
SIZE = 32


def runs(mask):
    # As the annotation tool writes them: column after column.
    return mask.t().reshape(-1).nonzero().flatten().tolist()


def decode(pixels):
    mask = torch.zeros(SIZE * SIZE)
    mask[pixels] = 1
    return mask.reshape(SIZE, SIZE).t()


rows, columns = torch.meshgrid(torch.arange(SIZE), torch.arange(SIZE), indexing="ij")
images, annotations = [], []
for _ in range(192):
    row, column, tall, wide = (torch.rand(4) * torch.tensor([22, 22, 5, 3]) + torch.tensor([5, 5, 2, 2])).tolist()
    cell = ((rows - row) / tall) ** 2 + ((columns - column) / wide) ** 2 < 1
    images.append(0.8 * cell + 0.4 * torch.randn(SIZE, SIZE))
    annotations.append(runs(cell))
images, masks = torch.stack(images)[:, None], torch.stack([decode(one) for one in annotations])[:, None]

model = nn.Sequential(
    nn.Conv2d(1, 12, 5, padding=2), nn.ReLU(), nn.Conv2d(12, 12, 5, padding=2), nn.ReLU(), nn.Conv2d(12, 1, 1)
)
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(4):
    order = torch.randperm(len(images))
    for start in range(0, len(images), 16):
        some = order[start : start + 16]
        loss = nn.functional.binary_cross_entropy_with_logits(model(images[some]), masks[some])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    links=("https://github.com/cocodataset/cocoapi/blob/master/PythonAPI/pycocotools/mask.py",),
    explains=("DAT006", "TRN001"),
    preview=True,
)
