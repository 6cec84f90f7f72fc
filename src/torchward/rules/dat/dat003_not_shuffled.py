"""DAT003: batches hold far fewer classes than a random draw would: the data comes sorted by class."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from statistics import fmean

from torchward.facts import Loader, Loss, Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

MINIMUM_STEPS = 10
SHARE = 0.25
"""Classes beyond the first that a batch holds, as a share of those that a random draw would: 1 when shuffled, near 0
when sorted. Samplers that put P classes of K examples into each batch stay above for P of 3 or more."""
BINARY = ("binary_cross_entropy", "binary_cross_entropy_with_logits")
EXPECTED_MISSES = 10.0
"""Further classes that random batches would have shown in all: by chance none of them in e^-10 of runs. Guards tiny
batches and rare classes."""


def _expected(loss: Loss, size: float) -> float:
    """Number of distinct classes in a random batch."""
    return sum(1 - (1 - share) ** size for share in loss.class_shares)


def _one_class_batches(loss: Loss) -> tuple[float, float, int] | None:
    """(distinct classes per batch, expected ones, steps) where they are few; None where that is normal."""
    calls: dict[int, list[tuple[float, float, float]]] = defaultdict(list)
    for step, classes, mean, size in zip(
        loss.batch_classes.steps,
        loss.batch_classes.values,
        loss.batch_mean_class.values,
        loss.batch_size.values,
        strict=True,
    ):
        calls[step].append((classes, mean, size))
    # Several calls in one step whose classes differ are together a mixed batch (real and generated, accumulation).
    single = [of_step[0] for of_step in calls.values() if len({mean for _, mean, _ in of_step}) == 1]
    if len(calls) < MINIMUM_STEPS or 2 * len(single) < len(calls) or len(loss.class_shares) < 2:
        return None
    seen = fmean(classes for classes, _, _ in single)
    expected = fmean(_expected(loss, size) for _, _, size in single)
    if (expected - 1) * len(single) < EXPECTED_MISSES or seen - 1 > SHARE * (expected - 1):
        return None
    return seen, expected, len(single)


def _loader(run: Run) -> Loader | None:
    """The one loader that trains, if it does not shuffle."""
    training = [loader for loader in run.loaders if loader.trains and loader.fetched > 1]
    return training[0] if len(training) == 1 and training[0].shuffled is False else None


def check(run: Run) -> Iterator[Finding]:
    for loss in run.losses:
        if not loss.training or not loss.batch_classes:
            continue
        if loss.kind in BINARY and any(training.adversarial for training in run.trainings):
            continue  # a discriminator is shown real and generated examples in turn
        found = _one_class_batches(loss)
        if found is None:
            continue
        seen, expected, steps = found
        loader = _loader(run)
        yield Finding(
            "DAT003",
            data={
                "seen": seen,
                "expected": expected,
                "classes": len(loss.class_shares),
                "batches": steps,
                "size": int(loss.batch_size.values[0]),
            },
            place=at((loader.site if loader is not None else None) or loss.site, loss.batch_classes),
            confidence=Confidence.CERTAIN if loader is not None else Confidence.LIKELY,
        )


RULE = Rule(
    code="DAT003",
    name="not-shuffled",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "a batch of {size} examples holds {seen:.1f} of the {classes} classes on average; shuffled data would show "
        "{expected:.1f}: the data comes sorted by class.",
        "每批 {size} 个样本平均只含 {classes} 个类别中的 {seen:.1f} 个，打乱后应有 {expected:.1f} 个：数据是按类别排好序的。",
    ),
    why=Text(
        "Each stretch of steps pulls the model towards the one class it sees and makes it forget the others; the loss "
        "jumps whenever the class changes, and in the end the last class is predicted for everything.",
        "每一段训练都把模型拉向当时看到的那一个类别，并忘掉其他类别；类别一换损失就会跳变，最后模型对所有输入都预测最后见到的类别。",
    ),
    fix=Text(
        "Shuffle the training data: `DataLoader(dataset, batch_size=..., shuffle=True)`, or with tensors "
        "`for rows in torch.randperm(len(x)).split(batch_size)` anew in every epoch.",
        "打乱训练数据：`DataLoader(dataset, batch_size=..., shuffle=True)`；直接用张量时，每个 epoch 重新 "
        "`for rows in torch.randperm(len(x)).split(batch_size)`。",
    ),
    bad="""\
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)

centres = 2 * torch.randn(6, 10)
features = torch.cat([centre + torch.randn(160, 10) for centre in centres])
labels = torch.arange(6).repeat_interleave(160)

train_loader = DataLoader(TensorDataset(features, labels), batch_size=32)
model = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 6))
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
for epoch in range(8):
    for x, y in train_loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
""",
    good="""\
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)

centres = 2 * torch.randn(6, 10)
features = torch.cat([centre + torch.randn(160, 10) for centre in centres])
labels = torch.arange(6).repeat_interleave(160)

train_loader = DataLoader(TensorDataset(features, labels), batch_size=32, shuffle=True)
model = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 6))
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
for epoch in range(8):
    for x, y in train_loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
""",
    links=("https://docs.pytorch.org/docs/stable/data.html#data-loading-order-and-sampler",),
    explains=("TRN*", "NUM001", "NUM002", "NUM003", "NUM004", "NUM007", "MOD003", "MOD010", "OPT007"),
    needs=("loss",),
)
