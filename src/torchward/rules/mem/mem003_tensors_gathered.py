"""MEM003: a list, queue or dictionary gathers tensors without end."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Kept, Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

SIZES = 3
"""Looks at it, each with more elements than the one before."""
BYTES = 4 * 2**20
"""Gained by then; "twice as many steps, twice as much" holds from the first one on."""
ELEMENT = 4_096
"""Bytes of an element below which it may well be a replay buffer, or figures to plot."""
RATE = 0.5
"""Elements for each step. What is kept of each epoch, or each evaluation, is kept on purpose."""
STILL = 0.5
"""Part of the run in which it must have grown last: a cache that is full stays as large as it is."""
PASSES = 2
"""A cache of the data is filled in the first pass."""


def _grows(kept: Kept, looped: bool) -> bool:
    sizes = kept.elements.values
    gained = kept.bytes.values[-1] * (1 - sizes[0] / sizes[-1]) if sizes else 0.0
    if len(sizes) < SIZES or gained < BYTES or kept.bytes.values[-1] < ELEMENT * sizes[-1]:
        return False
    steps = kept.elements.steps[-1] - kept.elements.steps[0]
    return sizes[-1] - sizes[0] >= RATE * steps and (kept.passes >= PASSES or not looped)


def check(run: Run) -> Iterator[Finding]:
    looped = any(loader.trains for loader in run.loaders)
    for kept in run.kept:
        if not _grows(kept, looped) or kept.elements.steps[-1] < STILL * run.steps:
            continue
        elements, steps = kept.elements.values, kept.elements.steps
        yield Finding(
            "MEM003",
            data={
                "kind": kept.kind,
                "name": kept.name or "?",
                "first": int(elements[0]),
                "last": int(elements[-1]),
                "steps": steps[-1] - steps[0],
                "megabytes": kept.bytes.values[-1] / 2**20,
                "each": kept.bytes.values[-1] / elements[-1] / 1024,
            },
            place=at(None, kept.elements),
            confidence=Confidence.LIKELY,
        )


RULE = Rule(
    code="MEM003",
    name="tensors-gathered",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "The {kind} `{name}` gathers tensors: {first} elements grew to {last} within {steps} steps, and hold "
        "{megabytes:.0f} MB by now ({each:.0f} kB each).",
        "{kind} `{name}` 在不断积累张量：{steps} 步之内从 {first} 个元素增加到 {last} 个，目前占 {megabytes:.0f} MB"
        "（每个 {each:.0f} kB）。",
    ),
    why=Text(
        "What is appended at each step and never taken out stays in memory until the end. `detach()` lets go of the "
        "graph, not of the values. The longer the run, the more memory it needs, until it is ended from outside.",
        "每一步都追加、却从不取出的内容会一直占用内存直到结束。`detach()` 释放的是计算图，而不是数值本身。"
        "运行越久，需要的内存越多，最终会被系统终止。",
    ),
    fix=Text(
        "Keep a number instead (`{name}.append(value.mean().item())`), clear it after each epoch (`{name}.clear()`), "
        "or bound it: `collections.deque(maxlen=100)`.",
        "只保存一个数（`{name}.append(value.mean().item())`），每个 epoch 之后清空（`{name}.clear()`），"
        "或限制长度：`collections.deque(maxlen=100)`。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(2048, 256) @ torch.randn(256, 256) / 16


class AutoEncoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Linear(256, 128)
        self.decoder = nn.Linear(128, 256)
        self.codes = []

    def forward(self, batch):
        code = torch.relu(self.encoder(batch))
        self.codes.append(code.detach())
        return self.decoder(code)


model = AutoEncoder()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(40):
    for rows in torch.randperm(2048).split(256):
        loss = nn.functional.mse_loss(model(x[rows]), x[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    if epoch % 10 == 0:
        print(epoch, loss.item(), model.codes[-1].std().item())
""",
    good="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(2048, 256) @ torch.randn(256, 256) / 16


class AutoEncoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Linear(256, 128)
        self.decoder = nn.Linear(128, 256)
        self.codes = []

    def forward(self, batch):
        code = torch.relu(self.encoder(batch))
        self.codes.append(code.detach())
        return self.decoder(code)


model = AutoEncoder()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(40):
    for rows in torch.randperm(2048).split(256):
        loss = nn.functional.mse_loss(model(x[rows]), x[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    if epoch % 10 == 0:
        print(epoch, loss.item(), model.codes[-1].std().item())
    model.codes.clear()
""",
    links=("https://docs.pytorch.org/docs/stable/notes/faq.html#my-model-reports-cuda-runtime-error-2-out-of-memory",),
    preview=True,
)
