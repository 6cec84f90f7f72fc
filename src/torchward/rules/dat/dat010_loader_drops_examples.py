"""DAT010: `drop_last` leaves out a large part of the data, or all of it."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Finding, Rule, Severity, Text
from torchward.rules._at import at

SHARE = 0.25
"""Of the examples. With shuffling a training loader leaves out others in each pass, and that is little loss, ..."""
ONE_BATCH = 1 / 3
"""... unless so many are left out: a pass is then a single step, over not much more than half of the examples."""


def check(run: Run) -> Iterator[Finding]:
    for loader in run.loaders:
        if loader.dropped <= 0 or not loader.iterations or loader.batches is None or loader.batch_size is None:
            continue
        drawn = loader.dropped + loader.batches * loader.batch_size
        least = ONE_BATCH if loader.shuffled and loader.trains else SHARE
        if loader.batches and loader.dropped < least * drawn:
            continue
        yield Finding(
            "DAT010",
            data={
                "dropped": loader.dropped,
                "examples": drawn,
                "batch_size": loader.batch_size,
                "batches": loader.batches,
            },
            place=at(loader.site),
            severity=None if loader.batches else Severity.ERROR,
        )


RULE = Rule(
    code="DAT010",
    name="loader-drops-examples",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "With `drop_last=True` and `batch_size={batch_size}` this loader leaves out {dropped} of {examples} "
        "examples and gives {batches} batch(es) a pass.",
        "由于 `drop_last=True` 且 `batch_size={batch_size}`，这个加载器在 {examples} 个样本中丢弃了 {dropped}"
        " 个，每轮只给出 {batches} 个批次。",
    ),
    why=Text(
        "Examples that do not fill a batch are left out of each pass: with a fixed order always the same ones, with "
        "shuffling others each time, so that an epoch is much less than one. With fewer examples than one batch the "
        "loop over the loader does nothing at all, without an error.",
        "凑不满一个批次的样本每轮都会被丢弃：顺序固定时总是同一批样本；打乱顺序时每轮丢弃的不同，"
        "但一个 epoch 远不到一整轮数据。样本数少于一个批次时，遍历加载器的循环什么也不做，也不报错。",
    ),
    fix=Text(
        "Take `drop_last=True` out of evaluation loaders, and make `batch_size` small against the number of "
        "examples elsewhere: `DataLoader(dataset, batch_size=min({batch_size}, len(dataset)))`.",
        "评估用的加载器不要设 `drop_last=True`；其他地方让 `batch_size` 远小于样本数：`DataLoader(dataset, ba"
        "tch_size=min({batch_size}, len(dataset)))`。",
    ),
    bad="""\
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
inputs = torch.randn(380, 8)
targets = (inputs @ torch.randn(8, 3)).argmax(1)
train = TensorDataset(inputs[:300], targets[:300])
test = TensorDataset(inputs[300:], targets[300:])
train_loader = DataLoader(train, batch_size=30, shuffle=True, drop_last=True)
test_loader = DataLoader(test, batch_size=128, drop_last=True)
model = nn.Sequential(nn.Linear(8, 24), nn.ReLU(), nn.Linear(24, 3))
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
for epoch in range(20):
    for x, y in train_loader:
        loss = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        right = sum((model(x).argmax(1) == y).sum().item() for x, y in test_loader)
    print(epoch, loss.item(), right)
""",
    good="""\
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
inputs = torch.randn(380, 8)
targets = (inputs @ torch.randn(8, 3)).argmax(1)
train = TensorDataset(inputs[:300], targets[:300])
test = TensorDataset(inputs[300:], targets[300:])
train_loader = DataLoader(train, batch_size=30, shuffle=True, drop_last=True)
test_loader = DataLoader(test, batch_size=128)
model = nn.Sequential(nn.Linear(8, 24), nn.ReLU(), nn.Linear(24, 3))
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
for epoch in range(20):
    for x, y in train_loader:
        loss = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        right = sum((model(x).argmax(1) == y).sum().item() for x, y in test_loader)
    print(epoch, loss.item(), right)
""",
    links=("https://docs.pytorch.org/docs/stable/data.html#torch.utils.data.DataLoader",),
    explains=(),
    needs=("loader",),
)
