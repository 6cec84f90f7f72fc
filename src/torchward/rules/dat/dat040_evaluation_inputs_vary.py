"""DAT040: the held-out examples are other ones at each evaluation: a random transform is applied to them."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

PASSES = 3
"""Passes compared with the first one."""


def check(run: Run) -> Iterator[Finding]:
    if not any(loader.trains for loader in run.loaders):
        return
    for loader in run.loaders:
        if loader.trains or loader.compared_passes < PASSES or loader.moved_passes < loader.compared_passes:
            continue
        yield Finding(
            "DAT040",
            data={"dataset": loader.dataset_kind, "passes": loader.moved_passes + 1, "examples": loader.examples or 0},
            place=at(loader.site),
            confidence=Confidence.LIKELY,
        )


RULE = Rule(
    code="DAT040",
    name="evaluation-inputs-vary",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "the loader of held-out examples (`{dataset}`, {examples}) goes through them in order, and in {passes} passes the "
        "first batch had the same labels and other inputs each time: a random transform is applied.",
        "留出数据的加载器（`{dataset}`，{examples} 个样本）按固定顺序遍历，但 {passes} 轮中第一个批次的标签相同、输入却每次不同："
        "评估数据上用了随机变换。",
    ),
    why=Text(
        "Augmentation makes examples harder on purpose. On held-out examples it makes the score worse than the model is, "
        "and different from one evaluation to the next, so that the best epoch is chosen partly by luck.",
        "数据增强会有意让样本变难。用在留出数据上，得分会比模型的真实水平低，而且每次评估都不同，挑选最佳 epoch 时就带有运气成分。",
    ),
    fix=Text(
        "Give training and evaluation a data set each, with a transform of its own: random ones for training, resizing, "
        "cropping in the middle and normalising for evaluation. Two parts of `random_split` share one transform.",
        "训练和评估各用一个数据集，各有自己的变换：训练用随机变换，评估只做缩放、中心裁剪和归一化。"
        "`random_split` 分出的两部分共用同一个变换。",
    ),
    bad="""\
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

torch.manual_seed(0)
pictures = torch.randn(800, 1, 8, 8)
kinds = (pictures[:, 0, :4].mean((1, 2)) > pictures[:, 0, 4:].mean((1, 2))).long()


def jitter(picture):
    return picture + 0.3 * torch.randn_like(picture)


class Pictures(Dataset):
    def __init__(self, first, last, change=None):
        self.range, self.change = range(first, last), change

    def __len__(self):
        return len(self.range)

    def __getitem__(self, index):
        picture = pictures[self.range[index]]
        return self.change(picture) if self.change else picture, kinds[self.range[index]]


train = DataLoader(Pictures(0, 600, jitter), batch_size=50, shuffle=True)
test = DataLoader(Pictures(600, 800, jitter), batch_size=100)
model = nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(8):
    for x, y in train:
        loss = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        right = sum((model(x).argmax(1) == y).sum().item() for x, y in test)
    print(epoch, right / 200)
""",
    good="""\
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

torch.manual_seed(0)
pictures = torch.randn(800, 1, 8, 8)
kinds = (pictures[:, 0, :4].mean((1, 2)) > pictures[:, 0, 4:].mean((1, 2))).long()


def jitter(picture):
    return picture + 0.3 * torch.randn_like(picture)


class Pictures(Dataset):
    def __init__(self, first, last, change=None):
        self.range, self.change = range(first, last), change

    def __len__(self):
        return len(self.range)

    def __getitem__(self, index):
        picture = pictures[self.range[index]]
        return self.change(picture) if self.change else picture, kinds[self.range[index]]


train = DataLoader(Pictures(0, 600, jitter), batch_size=50, shuffle=True)
test = DataLoader(Pictures(600, 800), batch_size=100)
model = nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(8):
    for x, y in train:
        loss = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        right = sum((model(x).argmax(1) == y).sum().item() for x, y in test)
    print(epoch, right / 200)
""",
    links=("https://docs.pytorch.org/docs/stable/data.html",),
    explains=("TRN002",),
    needs=("loader",),
    preview=True,
)
