"""PRF004: the loader is started anew for each batch."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Finding, Rule, Severity, Text
from torchward.rules._at import at

PASSES = 30
ALMOST_ALL = 0.9
"""Share of the passes from which one batch was taken."""
SHARE = 0.3
"""Of the run's time spent on first batches, from which it is a warning even without workers."""


def check(run: Run) -> Iterator[Finding]:
    for loader in run.loaders:
        if loader.iterations < PASSES or loader.first_batches_only < ALMOST_ALL * (loader.iterations - 1):
            continue
        if not loader.trains or (loader.batches or 2) < 2:
            continue
        share = min(1.0, loader.first_seconds / run.seconds) if run.seconds > 0 else 0.0
        yield Finding(
            "PRF004",
            data={
                "passes": loader.iterations,
                "workers": loader.workers,
                "batches": loader.batches or 0,
                "milliseconds": 1_000 * loader.first_seconds / loader.iterations,
                "share": share,
            },
            place=at(loader.site),
            severity=Severity.WARNING if loader.workers or share >= SHARE else None,
        )


RULE = Rule(
    code="PRF004",
    name="loader-restarted-every-step",
    severity=Severity.HINT,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "The loader is started {passes} times and gives one batch each time ({workers} workers; {milliseconds:.1f} ms for "
        "each first batch, {share:.0%} of the time).",
        "loader 被启动了 {passes} 次，每次只取一个批次（{workers} 个工作进程；每个首批次 {milliseconds:.1f} ms，"
        "占总时间的 {share:.0%}）。",
    ),
    why=Text(
        "`iter(loader)` shuffles the whole data set and starts every worker process, which read ahead for nothing. "
        "Besides, batches drawn this way are no epochs: some examples come often, others hardly ever.",
        "`iter(loader)` 会打乱整个数据集并启动所有工作进程，它们预读的数据都被丢弃。"
        "而且这样取出的批次并不构成 epoch：有的样本经常出现，有的几乎不出现。",
    ),
    fix=Text(
        "Loop over the loader, `for batch in loader:`; to count steps, keep one iterator and call `iter(loader)` "
        "again only at `StopIteration`.",
        "直接遍历 loader：`for batch in loader:`；若要按步数训练，保留同一个迭代器，只在 `StopIteration` 时再调用 `iter(loader)`。",
    ),
    bad="""\
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
x = torch.randn(960, 10)
y = (x @ torch.randn(10, 4)).argmax(1)
loader = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True)
model = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 4))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for step in range(250):
    inputs, labels = next(iter(loader))
    optimizer.zero_grad()
    loss = nn.functional.cross_entropy(model(inputs), labels)
    loss.backward()
    optimizer.step()
    if step % 50 == 0:
        print(step, loss.item())
""",
    good="""\
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
x = torch.randn(960, 10)
y = (x @ torch.randn(10, 4)).argmax(1)
loader = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True)
model = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 4))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
batches = iter(loader)
for step in range(250):
    try:
        inputs, labels = next(batches)
    except StopIteration:
        batches = iter(loader)
        inputs, labels = next(batches)
    optimizer.zero_grad()
    loss = nn.functional.cross_entropy(model(inputs), labels)
    loss.backward()
    optimizer.step()
    if step % 50 == 0:
        print(step, loss.item())
""",
    links=("https://docs.pytorch.org/docs/stable/data.html#multi-process-data-loading",),
    needs=("loader",),
)
