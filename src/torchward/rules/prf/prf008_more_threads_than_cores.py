"""PRF008: more threads compute than there are cores."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Ranks, Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

TIMES = 1.5
"""Threads to a core. Two threads share a core's units on many machines, and count as two cores there."""


def check(run: Run) -> Iterator[Finding]:
    if run.world_size in (None, 1):
        yield from _judge([run])


def check_ranks(ranks: Ranks) -> Iterator[Finding]:
    yield from _judge(list(ranks.runs))


def _judge(runs: list[Run]) -> Iterator[Finding]:
    threads = [run.threads for run in runs if run.threads]
    cores = max((run.cores or 0 for run in runs), default=0)
    if not cores or len(threads) < len(runs) or sum(threads) <= TIMES * cores:
        return
    if any(run.device not in ("", "cpu") for run in runs):
        return
    model = next((model for model in runs[0].models if model.in_trainings), None)
    if model is None:
        return
    yield Finding(
        "PRF008",
        data={"threads": sum(threads), "cores": cores, "processes": len(runs), "each": max(1, cores // len(runs))},
        place=at(model.site),
        confidence=Confidence.LIKELY,
    )


RULE = Rule(
    code="PRF008",
    name="more-threads-than-cores",
    severity=Severity.HINT,
    since="0.1.0",
    checks=(check, check_ranks),
    message=Text(
        "{threads} threads compute on {cores} core(s) ({processes} process(es)).",
        "{threads} 个线程在 {cores} 个核心上计算（{processes} 个进程）。",
    ),
    why=Text(
        "The threads of one operation wait for each other. With more threads than cores each operation waits for the "
        "one that is not running, and a step may take many times as long. Each process takes all cores for itself "
        "unless it is told otherwise.",
        "同一个运算的各线程要互相等待。线程多于核心时，每个运算都在等那个没轮到运行的线程，一步可能慢上许多倍。"
        "除非另行设置，每个进程都会占用全部核心。",
    ),
    fix=Text(
        "Call `torch.set_num_threads({each})` in each process, or set `OMP_NUM_THREADS={each}` before the start.",
        "在每个进程中调用 `torch.set_num_threads({each})`，或在启动之前设置 `OMP_NUM_THREADS={each}`。",
    ),
    bad="""\
import os

import torch
from torch import nn

torch.set_num_threads(2 * os.cpu_count())
torch.manual_seed(0)
x = torch.randn(960, 20)
y = (x @ torch.randn(20, 4)).argmax(1)
model = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 4))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(10):
    for rows in torch.randperm(960).split(32):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    good="""\
import torch
from torch import nn

torch.set_num_threads(1)
torch.manual_seed(0)
x = torch.randn(960, 20)
y = (x @ torch.randn(20, 4)).argmax(1)
model = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 4))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(10):
    for rows in torch.randperm(960).split(32):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    links=("https://docs.pytorch.org/docs/stable/notes/cpu_threading_torchscript_inference.html",),
    preview=True,
)
