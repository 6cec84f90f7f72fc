"""LOS005: every target of the run is the same, though the model is made to tell several apart."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence

from torchward.facts import Loss, Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

MINIMUM_SAMPLES = 8
MINIMUM_TARGETS = 200
"""Rule of three: if none of n targets differs, at most 3/n of all do (95 %), here 1.5 %."""
NEARLY = 0.995
"""Share of the targets that are one of more than two classes, where others never come at all: whoever has three bands or
more does not mean nearly all to fall into one."""
WHOLE_PASSES = 3
"""While the run goes on: passes begun over a training loader. Data sorted by class shows one class for long."""
CLASSES = ("cross_entropy", "nll_loss")
BINARY = ("binary_cross_entropy", "binary_cross_entropy_with_logits")
REGRESSION = ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss")
LAYER_RESULTS = ("linear", "convolution", "softmax", "log_softmax", "sigmoid")
ROUNDING = 1e-5
"""Relative deviation of equal float32 numbers, as computed."""
SAME_VALUE = 1e-2
"""Relative difference up to which two recorded values of a loss are the same; both have four digits."""


def _from_trained_layer(run: Run, loss: Loss) -> bool:
    """The prediction comes straight from a layer that an optimizer trains, with an output for each class.

    Contrastive losses rank similarities, with the right one always first: all their targets are 0. And losses of a
    frozen network (a fixed discriminator) do not need several classes.
    """
    if loss.producer not in LAYER_RESULTS:
        return False
    own = [one for one in run.parameters if one.module == loss.producer_module and one.optimizers]
    if loss.kind in CLASSES:
        return any(one.shape and one.shape[0] == loss.classes for one in own)
    return bool(own)


def _is_whole_loss(run: Run, loss: Loss) -> bool:
    """What is minimised is this loss alone (or a fixed multiple of it), not a sum with others."""
    for stream in run.streams:
        known = dict(zip(stream.values.steps, stream.values.values, strict=True))
        ratios = [
            known[step] / value
            for step, value in zip(loss.values.steps, loss.values.values, strict=True)
            if step in known and value
        ]
        if len(ratios) >= MINIMUM_SAMPLES // 2:
            middle = sorted(ratios)[len(ratios) // 2]
            close = sum(abs(ratio - middle) <= SAME_VALUE * abs(middle) for ratio in ratios)
            if close >= 0.9 * len(ratios):
                return True
    return False


def _constant(loss: Loss) -> float | None:
    low, high = loss.target_min, loss.target_max
    if low is None or low != high or (loss.target_std or 0.0) > ROUNDING * abs(low):
        return None
    return low


def check(run: Run) -> Iterator[Finding]:
    passes = max((loader.iterations for loader in run.loaders if loader.trains), default=0)
    if not (run.ended or passes >= WHOLE_PASSES) or any(training.adversarial for training in run.trainings):
        return
    for kinds in (CLASSES, BINARY, REGRESSION):
        losses = [loss for loss in run.losses if loss.training and loss.kind in kinds and len(loss.values)]
        yield from _of_family(run, losses)


def _of_family(run: Run, losses: Sequence[Loss]) -> Iterator[Finding]:
    """One place may see one class only where another sees the rest (real and generated, source and target)."""
    if not losses or any(len(loss.values) < MINIMUM_SAMPLES for loss in losses):
        return
    if not all(_from_trained_layer(run, loss) for loss in losses):
        return
    loss = losses[0]
    if loss.kind in CLASSES:
        seen = {label for one in losses for label in one.target_values}
        number = sum(sum(one.target_values.values()) for one in losses)
        counts = Counter({label: sum(one.target_values.get(label, 0) for one in losses) for label in seen})
        value: float = max(counts, key=lambda label: counts[label], default=0)
        nearly = (loss.classes or 0) > 2 and len(seen) < (loss.classes or 0) and counts[int(value)] >= NEARLY * number
        if not seen or (len(seen) != 1 and not nearly) or (loss.classes or 0) < 2:
            return
    else:
        found = {_constant(one) for one in losses}
        number = sum(len(one.values) * math.prod(one.target_shape) for one in losses)
        only = found.pop()
        if found or only is None or (loss.kind in REGRESSION and not _is_whole_loss(run, loss)):
            return
        value = only
    if number < MINIMUM_TARGETS:
        return
    yield Finding(
        "LOS005",
        data={
            "loss": loss.kind,
            "value": int(value) if float(value).is_integer() else value,
            "targets": number,
            "classes": loss.classes or 2,
        },
        place=at(loss.site, loss.values, module=loss.producer_module),
        confidence=Confidence.LIKELY,
        severity=Severity.WARNING if loss.kind in REGRESSION else None,
    )


RULE = Rule(
    code="LOS005",
    name="targets-of-one-class",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "all or nearly all of the {targets} targets of `{loss}` that were looked at are {value}.",
        "查看过的 `{loss}` 的 {targets} 个目标全部或几乎全部是 {value}。",
    ),
    why=Text(
        "With a single target the model need not look at its input: the last layer's bias alone brings the loss to zero. "
        "Loss and accuracy look perfect and nothing is learned.",
        "目标只有一个值时，模型不需要看输入：仅靠最后一层的偏置就能把损失降到零。损失和准确率看上去完美，其实什么也没学到。",
    ),
    fix=Text(
        "Print `target.unique(return_counts=True)` over the whole training set, and look at the line that makes the "
        "labels: a wrong column, a comparison that is never true, an integer division, or a filter that keeps one class.",
        "对整个训练集打印 `target.unique(return_counts=True)`，并检查生成标签的那一行：是否取错了列、比较条件永不成立、"
        "用了整数除法，或者筛选只留下了一个类别。",
    ),
    bad="""\
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

torch.manual_seed(0)


class Measurements(Dataset):
    def __init__(self, count):
        self.rows = torch.rand(count, 12)
        self.quality = self.rows @ torch.rand(12) / 6

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, index):
        grade = int(self.quality[index] // 2)  # meant: three grades
        return self.rows[index], grade


loader = DataLoader(Measurements(600), batch_size=30, shuffle=True)
model = nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, 3))
optimizer = torch.optim.Adam(model.parameters())
for epoch in range(10):
    for rows, grades in loader:
        loss = nn.functional.cross_entropy(model(rows), grades)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
""",
    good="""\
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

torch.manual_seed(0)


class Measurements(Dataset):
    def __init__(self, count):
        self.rows = torch.randn(count, 12)
        self.quality = self.rows @ torch.randn(12) / 2

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, index):
        grade = int(self.quality[index] > -0.7) + int(self.quality[index] > 0.7)
        return self.rows[index], grade


loader = DataLoader(Measurements(600), batch_size=30, shuffle=True)
model = nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, 3))
optimizer = torch.optim.Adam(model.parameters())
for epoch in range(10):
    for rows, grades in loader:
        loss = nn.functional.cross_entropy(model(rows), grades)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
""",
    links=(
        "https://docs.pytorch.org/docs/stable/generated/torch.unique.html",
        "https://karpathy.github.io/2019/04/25/recipe/",
    ),
    explains=("TRN*", "MOD003", "MOD004", "MOD010", "NUM003", "OPT008"),
    needs=("loss", "graph"),
)
