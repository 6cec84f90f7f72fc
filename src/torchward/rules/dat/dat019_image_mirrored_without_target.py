"""DAT019: augmentation mirrors or turns images, and not their masks or boxes."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

TIMES = 3
"""Images that went another way than their masks. Each was found exactly, so one is certain; an example that is there
twice, mirrored and labelled by another hand, is no augmentation."""
SHARE = 0.1
"""... of those met again: where both are drawn apart, half of them go together by chance."""
CERTAIN = ("cross_entropy", "nll_loss", "binary_cross_entropy", "binary_cross_entropy_with_logits")
"""Losses of masks. Another dense target may be an image of its own, that need not turn with the input."""


def check(run: Run) -> Iterator[Finding]:
    found = [
        one
        for one in run.mirrored
        if (apart := one.image_alone + one.mask_alone) >= TIMES and apart >= SHARE * (apart + one.together)
    ]
    found.sort(key=lambda one: one.by_loss)  # a loader's own line is nearer to the augmentation
    for one in found[:1]:
        certain = not one.boxes and (not one.by_loss or one.loss_kind in CERTAIN)
        yield Finding(
            "DAT019",
            data={
                "turn": one.turn,
                "image": one.image_alone,
                "mask": one.mask_alone,
                "together": one.together,
                "met": one.image_alone + one.mask_alone + one.together,
            },
            place=at(one.site),
            confidence=Confidence.CERTAIN if certain else Confidence.LIKELY,
            severity=None if certain or one.boxes else Severity.WARNING,
        )


RULE = Rule(
    code="DAT019",
    name="image-mirrored-without-target",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "Images are mirrored or turned without their masks or boxes ({turn}): of {met} that came again so, those of "
        "{together} went with them, those of {image} did not follow, and {mask} changed while the image did not.",
        "图像被翻转或旋转，而掩码或边框没有随之变换（{turn}）：在 {met} 个以这种方式再次出现的样本中，{together} 个的目标一同变换，"
        "{image} 个的目标没有跟随，{mask} 个图像未变而目标变了。",
    ),
    why=Text(
        "The loss then asks for an answer at another place than where the thing is. The model learns to spread its "
        "answer over both places, and is right only about what is symmetric.",
        "这样损失要求的位置就不是物体实际所在的位置。模型学到的是把答案分摊到两处，只有对称的内容才会预测正确。",
    ),
    fix=Text(
        "Decide once for both: `if random.random() < 0.5: image, mask = image.flip(-1), mask.flip(-1)`, and for a box "
        "`x1, x2 = width - x2, width - x1`; with torchvision, call one `v2` transform on both, "
        "`transform(image, tv_tensors.Mask(mask))`.",
        "对两者只做一次决定：`if random.random() < 0.5: image, mask = image.flip(-1), mask.flip(-1)`，边框则为 "
        "`x1, x2 = width - x2, width - x1`；使用 torchvision 时，让同一个 `v2` 变换作用于两者："
        "`transform(image, tv_tensors.Mask(mask))`。",
    ),
    bad="""\
import random

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Cells(Dataset):
    def __init__(self, count, augment):
        generator = torch.Generator().manual_seed(0)
        self.images = 0.3 * torch.randn(count, 1, 24, 24, generator=generator)
        self.masks = torch.zeros(count, 24, 24, dtype=torch.long)
        for image, mask in zip(self.images, self.masks):
            row, column = torch.randint(0, 16, (2,), generator=generator).tolist()
            mask[row : row + 8, column : column + 6] = 1
            image += mask
        self.augment = augment

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        image, mask = self.images[index], self.masks[index]
        if self.augment and random.random() < 0.5:
            image = image.flip(-1)
        return image, mask


torch.manual_seed(0)
random.seed(0)
loader = DataLoader(Cells(160, augment=True), batch_size=16, shuffle=True)
model = nn.Sequential(
    nn.Conv2d(1, 16, 5, padding=2), nn.ReLU(), nn.Conv2d(16, 16, 5, padding=2), nn.ReLU(), nn.Conv2d(16, 2, 1)
)
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(12):
    for images, masks in loader:
        loss = nn.functional.cross_entropy(model(images), masks)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    good="""\
import random

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Cells(Dataset):
    def __init__(self, count, augment):
        generator = torch.Generator().manual_seed(0)
        self.images = 0.3 * torch.randn(count, 1, 24, 24, generator=generator)
        self.masks = torch.zeros(count, 24, 24, dtype=torch.long)
        for image, mask in zip(self.images, self.masks):
            row, column = torch.randint(0, 16, (2,), generator=generator).tolist()
            mask[row : row + 8, column : column + 6] = 1
            image += mask
        self.augment = augment

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        image, mask = self.images[index], self.masks[index]
        if self.augment and random.random() < 0.5:
            image, mask = image.flip(-1), mask.flip(-1)
        return image, mask


torch.manual_seed(0)
random.seed(0)
loader = DataLoader(Cells(160, augment=True), batch_size=16, shuffle=True)
model = nn.Sequential(
    nn.Conv2d(1, 16, 5, padding=2), nn.ReLU(), nn.Conv2d(16, 16, 5, padding=2), nn.ReLU(), nn.Conv2d(16, 2, 1)
)
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(12):
    for images, masks in loader:
        loss = nn.functional.cross_entropy(model(images), masks)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    links=("https://docs.pytorch.org/vision/stable/transforms.html",),
    explains=("DAT006", "TRN001"),
    preview=True,
)
