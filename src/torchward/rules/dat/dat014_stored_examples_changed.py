"""DAT014: examples are changed where they are stored each time they are read, so that the changes add up."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise

from torchward.facts import Run, StoredRows
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

PASSES = 3
CHANGED = 0.5
"""Share of the rows that every pass changed. A cache is filled once, and what stands still is no harm done twice."""
SEEN = 0.5
"""Share of the first batches in which the change was seen as it was made. Windows that overlap change each other."""
FARTHER = 1.6
"""Squared distance from the first values after the last pass, in those after the first one: independent changes that
add up give the number of passes, values that are made anew from a source kept elsewhere give 1."""
SCALE = 0.02
"""Each pass changes the deviation of all values by so much, always the same way ..."""
SCALED = 0.2
"""... and all after the first together by this."""
AGAIN = 12
"""Rows that more than one pass changed, where a pass changes only some of them: a change made with some probability. What
a cache holds is written once."""
UP = 0.8
"""Share of these that moved farther away with the later changes. Of rows made anew from a source kept elsewhere it is
half of them: with 12 rows 10 or more in 2 % of cases."""


def check(run: Run) -> Iterator[Finding]:
    seen = set()
    loaders = {loader.index: loader for loader in run.loaders}
    for stored in run.stored_rows:
        if len(stored.changed) < PASSES or stored.name in seen:
            continue
        if not (_all(stored) or _some(stored)):
            continue
        seen.add(stored.name)
        loader = loaders.get(stored.loader)
        yield Finding(
            "DAT014",
            {
                "name": stored.name,
                "passes": len(stored.changed),
                "share": min(stored.changed),
                "first": math.sqrt(stored.far[0]),
                "last": math.sqrt(stored.far[-1]),
                "before": stored.deviation[0],
                "after": stored.deviation[-1],
                "trains": bool(loader and loader.trains),
            },
            at(stored.site),
            Confidence.LIKELY,
        )


def _all(stored: StoredRows) -> bool:
    """Each pass changes most rows."""
    often = min(stored.changed) > CHANGED and stored.read >= max(2, SEEN * stored.looks)
    return often and (_farther(stored) or _scaled(stored))


def _some(stored: StoredRows) -> bool:
    """Each pass changes some rows, others every time, and a row that is changed again moves farther away."""
    if stored.again < AGAIN or min(stored.changed) == 0 or stored.partly < max(2, SEEN * stored.looks):
        return False
    first, last = stored.by
    return stored.farther >= UP * stored.again and last > FARTHER * first > 0


def _farther(stored: StoredRows) -> bool:
    """Pass after pass farther from what they were."""
    far = stored.far
    return all(a < b for a, b in pairwise(far)) and far[-1] > FARTHER * far[0] > 0


def _scaled(stored: StoredRows) -> bool:
    """Pass after pass narrower, or wider; until nothing is left to narrow."""
    after = stored.deviation[1:]
    if not all(one > 0 and math.isfinite(one) for one in after):
        return len(set(after)) > 1 or after[0] == 0
    ways = [math.log(b / a) for a, b in pairwise(after)]
    return (min(ways) > SCALE or max(ways) < -SCALE) and abs(sum(ways)) > SCALED


RULE = Rule(
    code="DAT014",
    name="stored-examples-changed",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "Reading an example changes the one that is stored in `{name}`: each of {passes} passes changed at least "
        "{share:.0%} of the rows, which were off by {first} after the first pass and by {last} after the last; the "
        "deviation of the stored values went from {before} to {after}.",
        "读取样本时改动了存储在 `{name}` 中的样本：{passes} 遍中每一遍都改动了至少 {share:.0%} 的行，"
        "第一遍之后偏离 {first}，最后一遍之后偏离 {last}；存储值的标准差从 {before} 变为 {after}。",
    ),
    why=Text(
        "Indexing a tensor or an array gives a view: `+=`, `mul_` and the like write into the data set itself. What was "
        "meant for one reading (noise, scaling, erasing) is done again on top in every epoch, and the data degrade.",
        "对张量或数组按下标取值得到的是视图：`+=`、`mul_` 等会直接写入数据集本身。"
        "本来只针对一次读取的操作（加噪声、缩放、擦除）每个 epoch 都会叠加一次，数据越来越差。",
    ),
    fix=Text(
        "Work on a copy: `x = self.data[i].clone()` (NumPy: `.copy()`), or write `x = x + noise`, `x = x * scale` in place "
        "of `x += noise`, `x.mul_(scale)`. What is to be done once belongs in `__init__`.",
        "在副本上操作：`x = self.data[i].clone()`（NumPy 用 `.copy()`），或者用 `x = x + noise`、`x = x * scale` 代替 "
        "`x += noise`、`x.mul_(scale)`。只需做一次的处理应放在 `__init__` 里。",
    ),
    bad="""\
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, Dataset


class NoisyDigits(Dataset):
    def __init__(self):
        digits = load_digits()
        self.images = torch.tensor(digits.images / 16, dtype=torch.float32).unsqueeze(1)
        self.labels = torch.tensor(digits.target)

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        image = self.images[index]
        image += 0.2 * torch.randn(image.shape)
        return image, self.labels[index]


torch.manual_seed(0)
loader = DataLoader(NoisyDigits(), batch_size=64, shuffle=True)
model = nn.Sequential(nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(256, 10))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(6):
    for x, y in loader:
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
from torch.utils.data import DataLoader, Dataset


class NoisyDigits(Dataset):
    def __init__(self):
        digits = load_digits()
        self.images = torch.tensor(digits.images / 16, dtype=torch.float32).unsqueeze(1)
        self.labels = torch.tensor(digits.target)

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        image = self.images[index]
        image = image + 0.2 * torch.randn(image.shape)
        return image, self.labels[index]


torch.manual_seed(0)
loader = DataLoader(NoisyDigits(), batch_size=64, shuffle=True)
model = nn.Sequential(nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(256, 10))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(6):
    for x, y in loader:
        loss = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    links=(
        "https://docs.pytorch.org/docs/stable/tensor_view.html",
        "https://numpy.org/doc/stable/user/basics.copies.html",
    ),
    explains=("TRN*", "DAT002", "DAT006", "DAT012", "DAT013", "LOS007", "MOD025", "NUM002"),
    needs=("loader",),
)
