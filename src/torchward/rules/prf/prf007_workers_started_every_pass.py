"""PRF007: starting the loader's workers anew for each pass takes a good part of the time."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

PASSES = 4
SHARE = 0.2
SECONDS = 0.02
"""Wait for the first batch of a pass; less is a matter of reading it, not of starting processes."""


def check(run: Run) -> Iterator[Finding]:
    for loader in run.loaders:
        if not loader.workers or loader.persistent or loader.iterations < PASSES:
            continue
        if 2 * loader.first_batches_only >= loader.iterations:
            continue  # one batch a pass: another problem
        each = loader.first_seconds / loader.iterations
        usual = loader.wait_seconds / max(1, loader.fetched - loader.iterations)
        if each < SECONDS or each < 3 * usual or loader.first_seconds < SHARE * run.seconds:
            continue
        yield Finding(
            "PRF007",
            data={
                "passes": loader.iterations,
                "workers": loader.workers,
                "milliseconds": 1_000 * each,
                "usual": 1_000 * usual,
                "share": min(1.0, loader.first_seconds / run.seconds),
                "batches": loader.batches or 0,
            },
            place=at(loader.site),
            confidence=Confidence.LIKELY,
        )


RULE = Rule(
    code="PRF007",
    name="workers-started-every-pass",
    severity=Severity.HINT,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "Each of {passes} passes waits {milliseconds:.0f} ms for its first batch, until {workers} worker(s) have started "
        "({usual:.1f} ms for later ones): {share:.0%} of the time.",
        "{passes} 遍数据每遍都要等 {milliseconds:.0f} 毫秒才有第一个批次，因为要启动 {workers} 个 worker"
        "（之后的批次为 {usual:.1f} 毫秒）：占 {share:.0%} 的时间。",
    ),
    why=Text(
        "Without `persistent_workers` every pass starts new processes, each of which copies or opens the data set "
        "again. With short passes that takes longer than the training.",
        "不设 `persistent_workers` 时，每一遍都会启动新进程，各自重新复制或打开数据集。一遍很短时，这比训练本身还久。",
    ),
    fix=Text(
        "Keep them: `DataLoader(..., num_workers={workers}, persistent_workers=True)`; or, if examples are quick to "
        "make, use `num_workers=0`.",
        "保留 worker：`DataLoader(..., num_workers={workers}, persistent_workers=True)`；如果样本生成很快，用 `num_workers=0`。",
    ),
    bad="""\
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
x = torch.randn(320, 20)
y = (x @ torch.randn(20, 4)).argmax(1)
loader = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True, num_workers=2)
model = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 4))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(20):
    for inputs, labels in loader:
        loss = nn.functional.cross_entropy(model(inputs), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    good="""\
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
x = torch.randn(320, 20)
y = (x @ torch.randn(20, 4)).argmax(1)
loader = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True, num_workers=2, persistent_workers=True)
model = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 4))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(20):
    for inputs, labels in loader:
        loss = nn.functional.cross_entropy(model(inputs), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    links=("https://docs.pytorch.org/docs/stable/data.html#torch.utils.data.DataLoader",),
    explained_by=("PRF001",),
    needs=("loader",),
    preview=True,
)
