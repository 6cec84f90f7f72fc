"""OPT019: the training ends while its learning rate is still warming up."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at
from torchward.rules.opt._schedules import own_schedulers

STEPS = 100
SAMPLES = 8
REACHED = 0.5
"""Share of the planned rate that was not even reached. A search for the best rate goes far beyond the first one."""
SEEN = 0.8
"""Part of the run from which the last rate that was looked at must come."""
WARMS = ("LambdaLR", "LinearLR", "OneCycleLR", "SequentialLR", "ChainedScheduler")
LENGTH = 0.8
"""Share of the optimizer's steps from which on a length counts them, and not epochs."""
PER_EPOCH = 0.2
"""Scheduler steps per optimizer step below which it is stepped once per epoch."""


def check(run: Run) -> Iterator[Finding]:
    if not run.ended or not run.clean_end:
        return
    for scheduler in own_schedulers(run):
        optimizer = next((one for one in run.optimizers if one.index == scheduler.optimizer), None)
        if optimizer is None or scheduler.optimizer_steps < STEPS or not scheduler.planned_lr or not scheduler.steps:
            continue
        rates = optimizer.lr.values
        if scheduler.kind not in WARMS or len(rates) < SAMPLES or not _rises(rates):
            continue
        if rates[-1] > REACHED * scheduler.planned_lr or optimizer.lr.steps[-1] < SEEN * optimizer.last_step:
            continue
        units = scheduler.steps <= PER_EPOCH * optimizer.steps
        yield Finding(
            "OPT019",
            {
                "scheduler": scheduler.kind,
                "rate": rates[-1],
                "planned": scheduler.planned_lr,
                "share": rates[-1] / scheduler.planned_lr,
                "scheduler_steps": scheduler.steps,
                "steps": scheduler.optimizer_steps,
                "length": scheduler.length or 0,
                "once_per_epoch": units,
            },
            at((scheduler.step_site if units else None) or scheduler.site),
            Confidence.CERTAIN if units and (scheduler.length or 0) >= LENGTH * optimizer.steps else Confidence.LIKELY,
        )


def _rises(rates: Sequence[float]) -> bool:
    """It never fell, and rose until the end."""
    return all(a <= b for a, b in itertools.pairwise(rates)) and rates[-1] > rates[len(rates) // 2]


RULE = Rule(
    code="OPT019",
    name="warm-up-never-ends",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "The training ends in the warm-up of `{scheduler}`: the learning rate came up to {rate}, {share:.1%} of the "
        "planned {planned} ({scheduler_steps} scheduler steps for {steps} optimizer steps).",
        "训练在 `{scheduler}` 的预热阶段就结束了：学习率只升到 {rate}，是计划值 {planned} 的 {share:.1%}"
        "（优化器走了 {steps} 步，调度器走了 {scheduler_steps} 步）。",
    ),
    why=Text(
        "The rate that was chosen is never used, and the decay that should follow never begins: the model is trained "
        "with a fraction of it. Mostly a length that was counted in batches meets a `step()` once per epoch, or the "
        "warm-up was copied from a much longer run.",
        "选定的学习率从未用上，之后的衰减也没有开始：模型一直用它的一小部分训练。"
        "多半是长度按批次计算，而 `step()` 每个 epoch 才调用一次；或者预热长度是从长得多的训练里抄来的。",
    ),
    fix=Text(
        "Call `scheduler.step()` after every `optimizer.step()` if the lengths of `{scheduler}` count batches; else "
        "shorten the warm-up to a few percent of the {steps} steps.",
        "如果 `{scheduler}` 的长度按批次计算，就在每次 `optimizer.step()` 之后调用 `scheduler.step()`；"
        "否则把预热缩短到全部 {steps} 步的百分之几。",
    ),
    bad="""\
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
inputs = torch.randn(960, 16)
labels = (inputs @ torch.randn(16, 5)).argmax(1)
loader = DataLoader(TensorDataset(inputs, labels), batch_size=40, shuffle=True)

epochs = 12
model = nn.Sequential(nn.Linear(16, 48), nn.ReLU(), nn.Linear(48, 5))
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=1e-2, total_steps=epochs * len(loader))

for epoch in range(epochs):
    for x, y in loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
    scheduler.step()
    print(epoch, loss.item(), scheduler.get_last_lr())
""",
    good="""\
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
inputs = torch.randn(960, 16)
labels = (inputs @ torch.randn(16, 5)).argmax(1)
loader = DataLoader(TensorDataset(inputs, labels), batch_size=40, shuffle=True)

epochs = 12
model = nn.Sequential(nn.Linear(16, 48), nn.ReLU(), nn.Linear(48, 5))
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=1e-2, total_steps=epochs * len(loader))

for epoch in range(epochs):
    for x, y in loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        scheduler.step()
    print(epoch, loss.item(), scheduler.get_last_lr())
""",
    links=(
        "https://docs.pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.OneCycleLR.html",
        "https://docs.pytorch.org/docs/stable/optim.html#how-to-adjust-learning-rate",
    ),
    explains=("OPT008", "OPT009", "TRN001", "TRN003"),
    needs=("optimizer",),
)
