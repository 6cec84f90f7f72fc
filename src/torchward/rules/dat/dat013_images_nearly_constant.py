"""DAT013: the images are one shade of grey but for a trace."""

from __future__ import annotations

import math
from collections.abc import Iterator
from statistics import median

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

MINIMUM_SAMPLES = 5
TIMES = 10.0
"""The mean is so many deviations away from 0. Images of 0..1 have about 1 to 2, normalised ones less than 1."""
IMAGES = 4


def check(run: Run) -> Iterator[Finding]:
    for given in run.inputs:
        if len(given.layer_rms) < MINIMUM_SAMPLES or len(given.shape) != IMAGES or given.shape[1] not in (1, 3):
            continue
        # As the first layer gets them: the model itself may rescale what it is given.
        rms, deviation = median(given.layer_rms.values), median(given.layer_std.values)
        mean = math.sqrt(max(0.0, rms**2 - deviation**2))
        if given.normalised_first or not 0 < deviation < mean / TIMES:
            continue
        model = next((one for one in run.models if one.index == given.model), None)
        if model is None or not model.in_trainings:
            continue
        yield Finding(
            "DAT013",
            data={
                "model": model.name,
                "mean": mean,
                "deviation": deviation,
            },
            place=at(given.site, given.mean),
            confidence=Confidence.LIKELY,
        )


RULE = Rule(
    code="DAT013",
    name="images-nearly-constant",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "The images that the first layer of `{model}` gets hardly vary: they are {mean} away from 0, with a deviation of "
        "{deviation}.",
        "`{model}` 的第一层得到的图像几乎没有变化：离 0 的距离为 {mean}，标准差只有 {deviation}。",
    ),
    why=Text(
        "What tells the images apart is a small trace on a large constant. The first layer sees little but "
        "that constant, and training is slow or dies; most often pixels were divided by 255 twice before "
        "mean and deviation were applied, or these were given for another range.",
        "区分图像的信息只是一个大常数上的微小变化。第一层看到的几乎只有这个常数，训练缓慢甚至停滞；最常见的原"
        "因是先除了两次 255 再做标准化，或标准化用的均值和标准差对应另一种取值范围。",
    ),
    fix=Text(
        "Print `x.min(), x.max(), x.mean(), x.std()` after each step of the preprocessing; divide pixels by "
        "255 once (`ToTensor` does it already), and give `Normalize` numbers for values of 0..1.",
        "在预处理的每一步之后打印 `x.min(), x.max(), x.mean(), x.std()`；像素只除一次 255（`ToTensor` 已经除"
        "过），`Normalize` 的参数要按 0..1 的取值给出。",
    ),
    bad="""\
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
digits = load_digits()
images = torch.tensor(digits.images, dtype=torch.float32).unsqueeze(1) / 16
images = (images / 255 - 0.5) / 0.5
labels = torch.tensor(digits.target)
model = nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 36, 10))
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
for epoch in range(6):
    for x, y in DataLoader(TensorDataset(images, labels), batch_size=50, shuffle=True):
        loss = nn.functional.cross_entropy(model(x), y)
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
model = nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 36, 10))
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
for epoch in range(6):
    for x, y in DataLoader(TensorDataset(images, labels), batch_size=50, shuffle=True):
        loss = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    links=(
        "https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.ToTensor.html",
        "https://yann.lecun.com/exdb/publis/pdf/lecun-98b.pdf",
    ),
    explains=(
        "MOD003",
        "MOD004",
        "MOD010",
        "TRN001",
        "TRN003",
        "TRN004",
        "OPT008",
        "NUM003",
    ),
    needs=("modules",),
)
