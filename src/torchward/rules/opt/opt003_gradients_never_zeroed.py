"""OPT003: gradients that no call clears between two steps."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Optimizer, Run, Site
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

DIRTY = 4
"""Stretches between two steps that must have been seen to begin on the gradient that the step before had used."""
ALWAYS = 0.9
NOW_AND_THEN = 0.3
"""Share of such stretches. Gradient accumulation clears after every step and has none; clearing once per epoch has
nearly all. Below this share something else goes on."""


def check(run: Run) -> Iterator[Finding]:
    for optimizer in run.optimizers:
        # There is nothing to be left over in the first of them.
        checked, dirty = optimizer.cycles_checked - 1, optimizer.cycles_dirty
        if optimizer.zero_sites:
            # Where two optimizers take turns to gather gradients, what was gathered since they were cleared is no remnant.
            checked, dirty = checked - optimizer.cycles_after_passes, dirty - optimizer.cycles_dirty_after_passes
        if dirty < DIRTY or dirty < NOW_AND_THEN * checked:
            continue
        always = dirty >= ALWAYS * checked
        yield Finding(
            "OPT003",
            {"optimizer": optimizer.kind, "dirty": dirty, "checked": max(checked, dirty), "cleared": not always},
            at(_backward(run, optimizer) or optimizer.site, first=1),
            Confidence.CERTAIN if always else Confidence.LIKELY,
        )


def _backward(run: Run, optimizer: Optimizer) -> Site | None:
    """The line of the backward pass that adds to what is left over: the call to clear belongs before it."""
    streams = {
        index for training in run.trainings if optimizer.index in training.optimizers for index in training.losses
    }
    found = [stream for stream in run.streams if stream.index in streams]
    return max(found, key=lambda stream: len(stream.values)).site if found else None


RULE = Rule(
    code="OPT003",
    name="gradients-never-zeroed",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "Gradients are not cleared between steps: in {dirty} of {checked} stretches looked at, backward added to the "
        "gradient that the {optimizer} had already used.",
        "两步之间没有清零梯度：检查过的 {checked} 个间隔中，有 {dirty} 个的反向传播是在 {optimizer} "
        "已经用过的梯度上累加。",
    ),
    why=Text(
        "`backward()` adds to `.grad`. Without clearing, every step follows the sum of all gradients since the last "
        "time "
        "they were cleared, most of them from weights of long ago: steps overshoot, the loss swings or grows.",
        "`backward()` 会把结果加到 `.grad` 上。不清零时，每一步都沿着上次清零以来所有梯度之和前进，"
        "其中大多数来自很久以前的权重：步子过大，损失来回摆动甚至增大。",
    ),
    fix=Text(
        "Clear them once per step, before the backward pass:\n"
        "    optimizer.zero_grad()\n    loss.backward()\n    optimizer.step()",
        "每一步在反向传播之前清零一次：\n    optimizer.zero_grad()\n    loss.backward()\n    optimizer.step()",
    ),
    bad="""\
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
features = torch.randn(1024, 16)
labels = (features @ torch.randn(16, 6)).argmax(1)
train_loader = DataLoader(TensorDataset(features, labels), batch_size=64, shuffle=True)

model = nn.Sequential(nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, 6))
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)

for epoch in range(12):
    running = 0.0
    for inputs, targets in train_loader:
        outputs = model(inputs)
        loss = criterion(outputs, targets)
        loss.backward()
        optimizer.step()
        running += loss.item()
    print(f"epoch {epoch + 1}: loss {running / len(train_loader):.4f}")
""",
    good="""\
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
features = torch.randn(1024, 16)
labels = (features @ torch.randn(16, 6)).argmax(1)
train_loader = DataLoader(TensorDataset(features, labels), batch_size=64, shuffle=True)

model = nn.Sequential(nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, 6))
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)

for epoch in range(12):
    running = 0.0
    for inputs, targets in train_loader:
        optimizer.zero_grad()
        outputs = model(inputs)
        loss = criterion(outputs, targets)
        loss.backward()
        optimizer.step()
        running += loss.item()
    print(f"epoch {epoch + 1}: loss {running / len(train_loader):.4f}")
""",
    links=(
        "https://docs.pytorch.org/docs/stable/generated/torch.optim.Optimizer.zero_grad.html",
        "https://docs.pytorch.org/tutorials/recipes/recipes/zeroing_out_gradients.html",
    ),
    explains=(
        "OPT007",
        "OPT008",
        "OPT013",
        "OPT014",
        "NUM001",
        "NUM002",
        "NUM003",
        "NUM004",
        "NUM007",
        "TRN*",
        "MOD003",
        "MOD004",
    ),
    needs=("optimizer",),
)
