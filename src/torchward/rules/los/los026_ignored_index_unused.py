"""LOS026: `ignore_index` was chosen, and no target ever has that number, while one class makes up most of them."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at
from torchward.rules._targets import by_example

DEFAULT = -100
SAMPLES = 10
TARGETS = 10_000
LARGEST = 0.5
"""Share of a class that places without a label may be counted as. Where none is that common, nothing hides in it: models of
text pass `ignore_index=-1` for targets that may come one day."""


def check(run: Run) -> Iterator[Finding]:
    for loss in run.losses:
        index, classes, counts = loss.ignore_index, loss.classes, loss.target_values
        if not loss.training or index is None or index == DEFAULT or not classes or 0 <= index < classes:
            continue
        if loss.ignored or len(loss.values) < SAMPLES or loss.targets_seen < TARGETS or by_example(run, loss):
            continue
        total, largest = sum(counts.values()), max(counts, key=lambda label: counts[label], default=None)
        if largest is None or not LARGEST <= counts[largest] / total < 1:
            continue
        yield Finding(
            "LOS026",
            data={
                "loss": loss.kind,
                "index": index,
                "targets": loss.targets_seen,
                "label": largest,
                "share": counts[largest] / total,
                "samples": len(loss.values),
            },
            place=at(loss.site, loss.values),
            confidence=Confidence.POSSIBLE,
        )


RULE = Rule(
    code="LOS026",
    name="ignored-index-unused",
    severity=Severity.HINT,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "`{loss}` is told to leave out targets of {index}, and none of {targets} has that number ({samples} sampled steps); "
        "{share:.0%} of them are class {label}.",
        "`{loss}` 设置了略过目标 {index}，但看到的 {targets} 个目标中没有一个是它（{samples} 个采样步）；其中 {share:.0%} 是类别 {label}。",
    ),
    why=Text(
        "If places without a label are to be left out, they were filled with the number of a class, as by `np.zeros`, and are "
        "learned as that class: the model names it wherever labels are rare. It is sound if each place has its label.",
        "如果没有标签的位置本应被略过，那么它们已被填成某个类别的编号（例如用 `np.zeros`），并被当作那个类别来学习："
        "凡是标签稀少的地方，模型都会预测它。如果每个位置都有标签，则没有问题。",
    ),
    fix=Text(
        "Fill maps of labels with that number before labels are written into them, `np.full(shape, {index})`, and check with "
        "`(target == {index}).float().mean()`; also after resizing and padding.",
        "写入标签之前先用这个编号填满标签图：`np.full(shape, {index})`，并用 `(target == {index}).float().mean()` 检查；"
        "缩放和填充之后也要检查。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)
VOID = 255
truth = (torch.randn(600, 1, 8).repeat_interleave(8, 2) > 0.3).long()[:, 0]
signal = torch.where(truth == 1, 1.2, 0.0) + torch.sin(torch.arange(64) * 0.1) + 0.5 * torch.randn(600, 64)
labelled = torch.rand(600, 64) < 0.1
labels = torch.where(labelled, truth, 0)
model = nn.Sequential(
    nn.Conv1d(1, 24, 5, padding=2), nn.ReLU(), nn.Conv1d(24, 24, 5, padding=2), nn.ReLU(), nn.Conv1d(24, 2, 1)
)
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(10):
    for rows in torch.randperm(500).split(25):
        scores = model(signal[rows].unsqueeze(1))
        loss = nn.functional.cross_entropy(scores, labels[rows], ignore_index=VOID)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        right = (model(signal[500:].unsqueeze(1)).argmax(1) == truth[500:]).float().mean()
    print(epoch, loss.item(), right.item())
""",
    good="""\
import torch
from torch import nn

torch.manual_seed(0)
VOID = 255
truth = (torch.randn(600, 1, 8).repeat_interleave(8, 2) > 0.3).long()[:, 0]
signal = torch.where(truth == 1, 1.2, 0.0) + torch.sin(torch.arange(64) * 0.1) + 0.5 * torch.randn(600, 64)
labelled = torch.rand(600, 64) < 0.1
labels = torch.where(labelled, truth, VOID)
model = nn.Sequential(
    nn.Conv1d(1, 24, 5, padding=2), nn.ReLU(), nn.Conv1d(24, 24, 5, padding=2), nn.ReLU(), nn.Conv1d(24, 2, 1)
)
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(10):
    for rows in torch.randperm(500).split(25):
        scores = model(signal[rows].unsqueeze(1))
        loss = nn.functional.cross_entropy(scores, labels[rows], ignore_index=VOID)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        right = (model(signal[500:].unsqueeze(1)).argmax(1) == truth[500:]).float().mean()
    print(epoch, loss.item(), right.item())
""",
    links=("https://docs.pytorch.org/docs/stable/generated/torch.nn.CrossEntropyLoss.html",),
    needs=("loss",),
    preview=True,
    explains=("DAT022",),
)
