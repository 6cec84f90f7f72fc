"""PRF006: more of the time goes into evaluation than into training."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Loader, Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

SHARE = 0.5
SECONDS = 1.0
"""Of evaluation in all; less is not worth a change."""
PASSES = 3
OFTEN, OFTEN_SHARE = 0.2, 0.2
"""Evaluations for each step of training, and their share of the time, that are no schedule but a misplaced line: one after
each batch, or each few of them."""


def _seconds(loader: Loader) -> float:
    return loader.active_seconds + loader.first_seconds


def check(run: Run) -> Iterator[Finding]:
    others = [loader for loader in run.loaders if not loader.trains and loader.iterations >= PASSES]
    spent = sum(map(_seconds, others))
    if not any(loader.trains for loader in run.loaders) or spent < SECONDS:
        return
    worst = max(others, key=_seconds)
    often = worst.iterations >= max(PASSES, OFTEN * run.steps) and spent >= OFTEN_SHARE * run.seconds
    if spent < SHARE * run.seconds and not often:
        return
    yield Finding(
        "PRF006",
        data={
            "seconds": spent,
            "share": min(1.0, spent / run.seconds),
            "passes": worst.iterations,
            "batches": worst.fetched // worst.iterations,
            "batch_size": worst.batch_size or 0,
        },
        place=at(worst.site),
        confidence=Confidence.LIKELY,
    )


RULE = Rule(
    code="PRF006",
    name="evaluation-longer-than-training",
    severity=Severity.HINT,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "Evaluation takes {share:.0%} of the time: {seconds:.1f} s in {passes} passes of {batches} batches of "
        "{batch_size}.",
        "评估占用了 {share:.0%} 的时间：{passes} 遍、每遍 {batches} 个大小为 {batch_size} 的批次，共 {seconds:.1f} 秒。",
    ),
    why=Text(
        "The run would be done in a fraction of the time, or train longer in the same time. Without gradients much "
        "larger batches fit into memory, and a score is needed only as often as something is decided by it.",
        "否则整个运行只需一小部分时间，或者同样的时间可以训练更久。不计算梯度时，内存放得下大得多的批次；"
        "得分也只需在要据此做决定时才计算。",
    ),
    fix=Text(
        "Evaluate less often (`if step % 1000 == 0:`), on a fixed part of the data, or with larger batches "
        "(`DataLoader(held_out, batch_size=4 * {batch_size})`) under `torch.inference_mode()`.",
        "降低评估频率（`if step % 1000 == 0:`）、只用固定的一部分数据，或在 `torch.inference_mode()` 下使用更大的批次"
        "（`DataLoader(held_out, batch_size=4 * {batch_size})`）。",
    ),
    bad="""\
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
x = torch.randn(3000, 30)
y = (x @ torch.randn(30, 5)).argmax(1)
train_loader = DataLoader(TensorDataset(x[:960], y[:960]), batch_size=32, shuffle=True)
held_out_loader = DataLoader(TensorDataset(x[960:], y[960:]), batch_size=1)
model = nn.Sequential(nn.Linear(30, 64), nn.ReLU(), nn.Linear(64, 5))
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(30):
    model.train()
    for inputs, labels in train_loader:
        loss = nn.functional.cross_entropy(model(inputs), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    right = 0
    with torch.no_grad():
        for inputs, labels in held_out_loader:
            right += (model(inputs).argmax(1) == labels).sum().item()
    print(epoch, right / 2040)
""",
    good="""\
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
x = torch.randn(3000, 30)
y = (x @ torch.randn(30, 5)).argmax(1)
train_loader = DataLoader(TensorDataset(x[:960], y[:960]), batch_size=32, shuffle=True)
held_out_loader = DataLoader(TensorDataset(x[960:], y[960:]), batch_size=1000)
model = nn.Sequential(nn.Linear(30, 64), nn.ReLU(), nn.Linear(64, 5))
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(30):
    model.train()
    for inputs, labels in train_loader:
        loss = nn.functional.cross_entropy(model(inputs), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    right = 0
    with torch.no_grad():
        for inputs, labels in held_out_loader:
            right += (model(inputs).argmax(1) == labels).sum().item()
    print(epoch, right / 2040)
""",
    links=("https://docs.pytorch.org/docs/stable/generated/torch.autograd.grad_mode.inference_mode.html",),
    needs=("loader",),
    preview=True,
)
