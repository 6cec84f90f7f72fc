"""DAT058: maps of class numbers were resized by a method that mixes them."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at


def check(run: Run) -> Iterator[Finding]:
    for one in run.resized_classes:
        yield Finding(
            "DAT058",
            data={"mode": one.mode, "classes": one.classes},
            place=at(one.site),
            confidence=Confidence.LIKELY,
        )
        return


RULE = Rule(
    code="DAT058",
    name="classes-mixed-by-resizing",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        'Maps of {classes} class numbers are resized here with `mode="{mode}"` and then used as targets: the result held numbers '
        "between those of the classes.",
        '此处用 `mode="{mode}"` 对含 {classes} 个类别编号的图进行缩放，结果又作为目标使用：其中出现了介于类别编号之间的数。',
    ),
    why=Text(
        "The mean of class 2 and class 6 is not class 4. Cut to whole numbers, the borders of objects become other classes, and thin "
        "ones disappear: the model is taught, and scored, by labels that nobody drew.",
        "类别 2 和类别 6 的平均值并不是类别 4。取整之后，物体边缘变成了别的类别，细小的物体则消失：模型的训练和评分都依据没有人标注过的标签。",
    ),
    fix=Text(
        'Resize maps with `mode="nearest"` (`nearest-exact`), and only the images smoothly.',
        '对标签图使用 `mode="nearest"`（或 `nearest-exact`），只对图像做平滑缩放。',
    ),
    bad="""\
import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)
places = torch.arange(32.0)
middle = 8 + 16 * torch.rand(200, 2)
apart = (places[:, None] - middle[:, 0, None, None]) ** 2 + (places - middle[:, 1, None, None]) ** 2
maps = 4 * (apart < 40).long() + (apart < 16).long()
images = maps[:, None].float() / 5 + 0.3 * torch.randn(200, 1, 32, 32)


def smaller(image, mask):
    image = F.interpolate(image[None], size=(16, 16), mode="bilinear")[0]
    mask = F.interpolate(mask[None, None].float(), size=(16, 16), mode="bilinear")[0, 0]
    return image, mask.long()


pairs = [smaller(image, mask) for image, mask in zip(images, maps)]
x, y = (torch.stack(part) for part in zip(*pairs))
model = nn.Sequential(nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 6, 3, padding=1))
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
for step in range(150):
    rows = torch.randint(0, 160, (16,))
    loss = F.cross_entropy(model(x[rows]), y[rows])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(loss.item())
""",
    good="""\
import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)
places = torch.arange(32.0)
middle = 8 + 16 * torch.rand(200, 2)
apart = (places[:, None] - middle[:, 0, None, None]) ** 2 + (places - middle[:, 1, None, None]) ** 2
maps = 4 * (apart < 40).long() + (apart < 16).long()
images = maps[:, None].float() / 5 + 0.3 * torch.randn(200, 1, 32, 32)


def smaller(image, mask):
    image = F.interpolate(image[None], size=(16, 16), mode="bilinear")[0]
    mask = F.interpolate(mask[None, None].float(), size=(16, 16), mode="nearest")[0, 0]
    return image, mask.long()


pairs = [smaller(image, mask) for image, mask in zip(images, maps)]
x, y = (torch.stack(part) for part in zip(*pairs))
model = nn.Sequential(nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 6, 3, padding=1))
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
for step in range(150):
    rows = torch.randint(0, 160, (16,))
    loss = F.cross_entropy(model(x[rows]), y[rows])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(loss.item())
""",
    links=("https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.interpolate.html",),
    needs=("loss",),
    preview=True,
)
