"""DAT004: every step is given the same batch, though there is more data."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Batches, Loss, Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

MINIMUM_SAMPLES = 10
FRESH = 0.8
"""Samples at which the batch was cut out anew. One made before the loop is trained on alone on purpose."""
LARGEST_WINDOW = 0.25
"""Of the data. A larger part is the training half of a split, given whole."""

EVALUATIONS, SEVERAL = 2, 2
APART = 2.0
"""Times the training loss: a part of the data that is trained on as a whole, and evaluated in parts, teaches more."""


def _source(run: Run, batches: Batches) -> str | None:
    """Where the batch comes from, and which part of the data it is, if it never changes and should."""
    count = len(batches.fingerprints)
    if count < MINIMUM_SAMPLES or len(set(batches.fingerprints)) > 1 or batches.renewed < FRESH * (count - 1):
        return None
    if batches.from_loader:
        if batches.loader_batches == 1:
            return None
        return f"`DataLoader`: 1/{batches.loader_batches}" if batches.loader_batches else "`DataLoader`"
    if batches.window and batches.window_share is not None and batches.window_share <= LARGEST_WINDOW:
        return f"`x[...]`: {batches.window_share:.1%}"
    for loss in run.losses:
        # What is evaluated comes in several batches of the kind that training has but one of.
        times = len(loss.values)
        if not loss.training and times >= EVALUATIONS and loss.calls >= SEVERAL * times and _learned_alone(run, loss):
            return f"{loss.calls // times} batches in each evaluation"
    return None


def _learned_alone(run: Run, judged: Loss) -> bool:
    """What was learned of the batch does not hold for what is evaluated."""
    trained = [loss.values.values[-1] for loss in run.losses if loss.training and loss.kind == judged.kind]
    return bool(trained) and judged.values.values[-1] > APART * max(trained) > 0


def check(run: Run) -> Iterator[Finding]:
    for batches in run.batches:
        source = _source(run, batches)
        if source is None:
            continue
        model = next((one for one in run.models if one.index == batches.model), None)
        # One loader started over again and again, or a new one each time: either way it gave one batch at a time.
        sites = {one.site for one in run.loaders if one.fetched and one.fetched - one.iterations <= 1}
        site = sites.pop() if batches.from_loader and len(sites) == 1 else batches.site
        yield Finding(
            "DAT004",
            data={
                "model": model.name if model is not None else "",
                "samples": len(batches.fingerprints),
                "source": source,
            },
            place=at(site),
            confidence=Confidence.CERTAIN if batches.from_loader else Confidence.LIKELY,
        )


RULE = Rule(
    code="DAT004",
    name="same-batch-every-step",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "`{model}` was given the very same batch in all {samples} steps looked at (from {source}).",
        "在查看过的全部 {samples} 步中，`{model}` 得到的都是同一个批次（来自 {source}）。",
    ),
    why=Text(
        "The model memorises these few examples: the training loss falls quickly to zero, and everything else in the "
        "data set is never seen. `next(iter(loader))` starts the loader over each time and gives its first batch.",
        "模型只是在背这几个样本：训练损失很快降到零，而数据集的其余部分从未被看到。`next(iter(loader))` 每次都会重新开始，得到的总是第一个批次。",
    ),
    fix=Text(
        "Loop over the loader: `for x, y in loader:`, or make the iterator once before the loop; with slices let the "
        "start move: `x[i:i + size]` with `i` from `range(0, len(x), size)`.",
        "直接遍历加载器：`for x, y in loader:`，或在循环之前只创建一次迭代器；使用切片时让起点移动："
        "`x[i:i + size]`，其中 `i` 取自 `range(0, len(x), size)`。",
    ),
    bad="""\
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)

x = torch.randn(1024, 12)
y = (x @ torch.randn(12, 3)).argmax(1)
loader = DataLoader(TensorDataset(x, y), batch_size=64)

model = nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, 3))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for step in range(250):
    inputs, targets = next(iter(loader))
    loss = nn.functional.cross_entropy(model(inputs), targets)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
""",
    good="""\
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)

x = torch.randn(1024, 12)
y = (x @ torch.randn(12, 3)).argmax(1)
loader = DataLoader(TensorDataset(x, y), batch_size=64, shuffle=True)


def endless():
    while True:
        yield from loader


model = nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, 3))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
batches = endless()
for step in range(250):
    inputs, targets = next(batches)
    loss = nn.functional.cross_entropy(model(inputs), targets)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
""",
    links=("https://docs.pytorch.org/docs/stable/data.html",),
    explains=("TRN*", "DAT003", "LOS005", "OPT008"),
    needs=("modules", "loader"),
)
