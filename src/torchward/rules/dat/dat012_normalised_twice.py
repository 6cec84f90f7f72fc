"""DAT012: the mean was taken off and the deviation divided out twice."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

MINIMUM_SAMPLES = 5
CLOSE = 0.005
"""Relative difference between the smallest (largest) value seen and that of black (white) normalised twice."""
IMAGES = 4
KNOWN = {
    "0.5 / 0.5": ((0.5,), (0.5,)),
    "ImageNet": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    "CIFAR-10": ((0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)),
    "CIFAR-10 (2)": ((0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)),
    "CIFAR-100": ((0.5071, 0.4867, 0.4408), (0.2675, 0.2565, 0.2761)),
    "MNIST": ((0.1307,), (0.3081,)),
    "Fashion-MNIST": ((0.2860,), (0.3530,)),
    "CLIP": ((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)),
}
"""Mean and deviation per channel that are in use for images scaled to 0..1: torchvision's weights, PyTorch's own
examples, and OpenAI's CLIP."""


def _range_twice(means: tuple[float, ...], deviations: tuple[float, ...]) -> tuple[float, float]:
    """What black and white become when they are normalised a second time."""
    low = min(((0 - m) / d - m) / d for m, d in zip(means, deviations, strict=True))
    high = max(((1 - m) / d - m) / d for m, d in zip(means, deviations, strict=True))
    return low, high


def check(run: Run) -> Iterator[Finding]:
    for given in run.inputs:
        if len(given.minimum) < MINIMUM_SAMPLES or len(given.shape) != IMAGES or given.shape[1] not in (1, 3):
            continue
        low, high = min(given.minimum.values), max(given.maximum.values)
        model = next((one for one in run.models if one.index == given.model), None)
        if model is None or not model.in_trainings:
            continue
        for name, (means, deviations) in KNOWN.items():
            first, last = _range_twice(means, deviations)
            if len(means) in (1, given.shape[1]) and (
                abs(low - first) <= CLOSE * abs(first) and abs(high - last) <= CLOSE * abs(last)
            ):
                yield Finding(
                    "DAT012",
                    data={
                        "model": model.name,
                        "low": low,
                        "high": high,
                        "known": name,
                        "mean": means,
                        "std": deviations,
                    },
                    place=at(given.site, given.minimum),
                    confidence=Confidence.LIKELY,
                )
                break


RULE = Rule(
    code="DAT012",
    name="normalised-twice",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "The images given to `{model}` lie in {low} to {high}: exactly what 0..1 becomes when it is "
        "normalised twice with the {known} statistics (mean {mean}, std {std}).",
        "给 `{model}` 的图像取值在 {low} 到 {high} 之间：这正是 0..1 的图像用 {known} 的统计量（均值 {mean}，"
        "标准差 {std}）归一化两次的结果。",
    ),
    why=Text(
        "After the second time the mean is far from 0 and the deviation far from 1: training is slower, and "
        "a pretrained model sees images unlike any it knows.",
        "第二次归一化之后，均值远离 0，标准差远离 1：训练变慢，预训练模型看到的也不再是它熟悉的图像。",
    ),
    fix=Text(
        "Normalise once: keep `Normalize(mean, std)` either in the transforms of the data set or in the "
        "model (or its processor), not in both.",
        "只归一化一次：`Normalize(mean, std)` 要么放在数据集的 transforms 里，要么放在模型（或其 processor）"
        "里，不要两处都有。",
    ),
    bad="""\
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
digits = load_digits()
images = torch.tensor(digits.images, dtype=torch.float32).unsqueeze(1) / 16
images = (images - 0.5) / 0.5
labels = torch.tensor(digits.target)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.head = nn.Conv2d(1, 8, 3), nn.Linear(8 * 36, 10)

    def forward(self, x):
        return self.head(torch.relu(self.conv(x)).flatten(1))


def normalize(x):
    return (x - 0.5) / 0.5


net = Net()
optimizer = torch.optim.SGD(net.parameters(), lr=0.03, momentum=0.9)
for epoch in range(6):
    for x, y in DataLoader(TensorDataset(images, labels), batch_size=50, shuffle=True):
        loss = nn.functional.cross_entropy(net(normalize(x)), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    good="""\
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
digits = load_digits()
images = torch.tensor(digits.images, dtype=torch.float32).unsqueeze(1) / 16
images = (images - 0.5) / 0.5
labels = torch.tensor(digits.target)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.head = nn.Conv2d(1, 8, 3), nn.Linear(8 * 36, 10)

    def forward(self, x):
        return self.head(torch.relu(self.conv(x)).flatten(1))


net = Net()
optimizer = torch.optim.SGD(net.parameters(), lr=0.03, momentum=0.9)
for epoch in range(6):
    for x, y in DataLoader(TensorDataset(images, labels), batch_size=50, shuffle=True):
        loss = nn.functional.cross_entropy(net(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    links=("https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.Normalize.html",),
    explains=(),
    needs=("modules",),
)
