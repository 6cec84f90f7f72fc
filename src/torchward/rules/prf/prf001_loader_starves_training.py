"""PRF001: most of the time, training waits for its next batch."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

MINIMUM_BATCHES = 30
SHARE = 0.5
"""SageMaker Debugger's CPUBottleneck and Dataloader rules report the same share."""
BATCH_SECONDS = 0.01
"""Putting 64 small tensors together, or fetching them from a worker, takes about 1 ms, on a busy machine 5: below this
it is the step that is short."""
TOTAL_SECONDS = 0.4
"""Time lost below which nobody would care ..."""
LONG_SECONDS = 10.0
"""... and from which on anybody would, however fast the single batch."""
EXAMPLE_SECONDS = 5e-5
"""To fetch an example that is ready and put it into a batch took 4 to 14 us, measured on 70 programs, one of them with four
times the work that the machine has cores for. From this on the examples themselves are made while training waits."""


def check(run: Run) -> Iterator[Finding]:
    for loader in run.loaders:
        if not loader.trains or loader.fetched < MINIMUM_BATCHES or loader.active_seconds <= 0:
            continue
        later = max(1, loader.fetched - loader.iterations)
        share = loader.wait_seconds / loader.active_seconds
        each = loader.wait_seconds / later
        heavy = bool(loader.batch_size) and each >= EXAMPLE_SECONDS * (loader.batch_size or 1)
        enough = TOTAL_SECONDS if each >= BATCH_SECONDS or heavy else LONG_SECONDS
        if share < SHARE or loader.wait_seconds < enough:
            continue
        yield Finding(
            "PRF001",
            data={
                "share": min(1.0, share),
                "milliseconds": 1_000 * each,
                "seconds": loader.wait_seconds,
                "workers": loader.workers,
                "dataset": loader.dataset_kind,
            },
            place=at(loader.site),
            confidence=Confidence.LIKELY,
        )


RULE = Rule(
    code="PRF001",
    name="loader-starves-training",
    severity=Severity.HINT,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "training waits for its loader {share:.0%} of the time: {milliseconds:.1f} ms per batch of `{dataset}` "
        "with {workers} workers.",
        "训练有 {share:.0%} 的时间在等待加载器：`{dataset}` 每批 {milliseconds:.1f} 毫秒，工作进程数为 {workers}。",
    ),
    why=Text(
        "The model stands still while examples are read, decoded and put together. With `num_workers=0` this happens "
        "between steps in the training process itself; a faster device would not make the run faster.",
        "读取、解码和拼装样本时模型是闲着的。`num_workers=0` 时这些工作就在训练进程里、两步之间进行；换更快的设备也不会更快。",
    ),
    fix=Text(
        "Load in parallel: `DataLoader(..., num_workers=4, persistent_workers=True, pin_memory=True)`; do costly work "
        "once (decode and resize ahead of time, keep the data in memory as tensors), not per example.",
        "并行加载：`DataLoader(..., num_workers=4, persistent_workers=True, pin_memory=True)`；"
        "昂贵的处理只做一次（提前解码和缩放，把数据以张量形式放在内存里），不要逐样本重复。",
    ),
    bad="""\
import time

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

torch.manual_seed(0)
signals = torch.randn(256, 64)


def read(index):
    time.sleep(0.001)  # a file is opened and decoded
    return signals[index]


class Recordings(Dataset):
    def __len__(self):
        return len(signals)

    def __getitem__(self, index):
        signal = read(index)
        return signal, int(signal[:3].argmax())


loader = DataLoader(Recordings(), batch_size=12, shuffle=True)
model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 3))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(8):
    for x, y in loader:
        loss = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
""",
    good="""\
import time

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

torch.manual_seed(0)
signals = torch.randn(256, 64)


def read(index):
    time.sleep(0.001)  # a file is opened and decoded
    return signals[index]


class Recordings(Dataset):
    def __init__(self):
        self.signals = torch.stack([read(index) for index in range(len(signals))])

    def __len__(self):
        return len(self.signals)

    def __getitem__(self, index):
        signal = self.signals[index]
        return signal, int(signal[:3].argmax())


loader = DataLoader(Recordings(), batch_size=12, shuffle=True)
model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 3))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(8):
    for x, y in loader:
        loss = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
""",
    links=(
        "https://docs.pytorch.org/tutorials/recipes/recipes/tuning_guide.html",
        "https://docs.pytorch.org/docs/stable/data.html#multi-process-data-loading",
    ),
    needs=("loader",),
)
