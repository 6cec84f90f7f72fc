"""DAT018: small integers run over on the way from the data set to the model."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Finding, Rule, Severity, Text
from torchward.rules._at import at


def check(run: Run) -> Iterator[Finding]:
    for one in run.wrapped_integers:
        yield Finding(
            "DAT018",
            data={
                "name": one.name,
                "dtype": one.dtype,
                "values": one.values,
                "stepped": one.stepped,
                "factor": one.factor,
            },
            place=at(one.site),
        )


RULE = Rule(
    code="DAT018",
    name="integers-run-over",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "The {dtype} numbers in `{name}` run over before the model gets them: what is handed out is {factor} time(s) what "
        "is stored, on one line but for steps of exactly one range of {dtype} ({stepped} of {values} values compared are "
        "such steps above the lowest).",
        "`{name}` 中的 {dtype} 数在交给模型之前发生了溢出回绕：取出的值是存储值的 {factor} 倍，本应落在一条直线上，"
        "却出现了恰好等于一个 {dtype} 取值范围的跳变（比较的 {values} 个值中有 {stepped} 个比最低者高出这样的跳变）。",
    ),
    why=Text(
        "Whole numbers of few bits start again at the other end of their range, without a word: of a dark pixel a little "
        "less becomes a bright one. Order and distance of values are lost, and with them edges and shapes.",
        "位数很少的整数越界后会从取值范围的另一端重新开始，而且没有任何提示：暗的像素再减一点就变成亮的像素。"
        "数值的大小顺序和距离都会丢失，边缘和形状也随之丢失。",
    ),
    fix=Text(
        "Convert before computing: `image.astype(np.float32) - mean`, or `image.float() * 2` in torch, and only then scale.",
        "先转换再计算：`image.astype(np.float32) - mean`，在 torch 中为 `image.float() * 2`，然后再缩放。",
    ),
    bad="""\
import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Scans(Dataset):
    def __init__(self):
        digits = load_digits()
        noise = np.random.default_rng(0).integers(0, 16, digits.images.shape)
        self.images = (digits.images * 15 + noise).astype(np.uint8)
        self.labels = digits.target
        self.mean = self.images.mean().astype(np.uint8)

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        image = self.images[index] - self.mean
        return torch.from_numpy(image).float().unsqueeze(0) / 128, int(self.labels[index])


torch.manual_seed(0)
loader = DataLoader(Scans(), batch_size=32, shuffle=True)
model = nn.Sequential(
    nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(256, 10)
)
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(6):
    for images, labels in loader:
        loss = nn.functional.cross_entropy(model(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    good="""\
import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Scans(Dataset):
    def __init__(self):
        digits = load_digits()
        noise = np.random.default_rng(0).integers(0, 16, digits.images.shape)
        self.images = (digits.images * 15 + noise).astype(np.uint8)
        self.labels = digits.target
        self.mean = self.images.mean().astype(np.uint8)

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        image = self.images[index].astype(np.float32) - self.mean
        return torch.from_numpy(image).float().unsqueeze(0) / 128, int(self.labels[index])


torch.manual_seed(0)
loader = DataLoader(Scans(), batch_size=32, shuffle=True)
model = nn.Sequential(
    nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(256, 10)
)
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(6):
    for images, labels in loader:
        loss = nn.functional.cross_entropy(model(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    links=("https://numpy.org/doc/stable/user/basics.types.html#overflow-errors",),
    explains=("DAT002", "TRN001"),
    needs=("loader",),
    preview=True,
)
