"""OPT015: gradients of several batches are added up, though the loss of each is a mean of its own."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from torchward.facts import Loss, LossStream, Run, Training
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

CYCLES = 3
"""Sampled steps that must each have followed several backward passes of the same line."""
WHOLE = 0.9
"""Share of the loss function's value that reaches `backward`. Divided by the number of passes it is at most a half;
an added penalty makes it more."""
FED = 0.75
"""Least share of the backward passes that had a batch of the training loader of their own."""
EVENTS = 64
"""Events that a cycle keeps at most."""
PLAIN = ("SGD", "ASGD", "Adadelta")
"""Their step is proportional to the gradient; those of Adam and its like are not, whatever the gradient's scale."""


def check(run: Run) -> Iterator[Finding]:
    for training in run.trainings:
        if training.adversarial or len(training.losses) != 1 or len(training.optimizers) != 1:
            continue
        stream = next((one for one in run.streams if one.index == training.losses[0]), None)
        optimizer = next(one for one in run.optimizers if one.index == training.optimizers[0])
        if stream is None or optimizer.cycles_rescaled:
            continue
        counts = _passes(run, training, stream)
        several = [count for count in counts if count > 1]
        if len(several) < CYCLES or 2 * len(several) < len(counts) or not _is_whole_mean(run, training, stream):
            continue
        loaders = [one for one in run.loaders if one.trains]
        fed = any(FED * run.backwards <= one.fetched <= run.backwards / FED for one in loaders)
        if not fed and (loaders or max(several) != min(several) or _takes_turns(run, training)):
            continue  # sums over views, tasks or moments, of which there are as many as there are
        passes = max(int(median(several)), optimizer.most_backwards_between if max(several) > EVENTS // 4 else 0)
        plain = optimizer.kind in PLAIN
        yield Finding(
            "OPT015",
            {
                "optimizer": optimizer.kind,
                "passes": passes,
                "samples": len(several),
                "lr": max(optimizer.lr.values, default=0.0),
            },
            at(stream.site, first=training.first_step),
            Confidence.LIKELY if fed else Confidence.POSSIBLE,
            None if fed and plain else Severity.HINT,
        )


def _passes(run: Run, training: Training, stream: LossStream) -> list[int]:
    """Backward passes in each sampled step that are added up: those after the last clearing."""
    counts = []
    for cycle in run.cycles:
        if training.first_step <= cycle.step <= training.last_step:
            count = 0
            for name, index in cycle.events:
                if name == "zero":
                    count = 0
                elif name == "backward" and index == stream.index:
                    count += 1
                elif name == "step":
                    break
            counts.append(count)
    return counts


def _takes_turns(run: Run, training: Training) -> bool:
    """The passes of one step go through different models: a sum over tasks."""
    for cycle in run.cycles:
        if training.first_step <= cycle.step <= training.last_step:
            called: set[int] = set()
            seen = set()
            for name, index in cycle.events:
                if name == "forward":
                    called.add(index)
                elif name == "backward":
                    seen.add(frozenset(called))
                    called = set()
            if len(seen) > 1:
                return True
    return False


def _is_whole_mean(run: Run, training: Training, stream: LossStream) -> bool:
    """What goes backward is a mean over the batch, and not a part of it."""
    used = [
        loss
        for loss in run.losses
        if loss.training and len(loss.values.between(training.first_step, training.last_step)) > 1
    ]
    if not used:
        return stream.head == "MeanBackward0"
    return len(used) == 1 and used[0].reduction == "mean" and _share(used[0], stream) >= WHOLE


def _share(loss: Loss, stream: LossStream) -> float:
    """What goes backward over what the loss function gave, typically."""
    function = dict(zip(loss.values.steps, loss.values.values, strict=True))  # the last call of each step
    backward = dict(zip(stream.values.steps, stream.values.values, strict=True))
    shares = [backward[step] / value for step, value in function.items() if value > 0 and step in backward]
    return median(shares) if len(shares) >= CYCLES else 0.0


RULE = Rule(
    code="OPT015",
    name="accumulation-not-averaged",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "`{optimizer}` steps on the sum of {passes} backward passes, each of a whole mean loss: the gradient is "
        "{passes} times as large as that of one batch ({samples} sampled steps).",
        "`{optimizer}` 的每一步用的是 {passes} 次反向传播之和，而每次的损失都是完整的均值：梯度是单个批次的 {passes} 倍"
        "（{samples} 个采样步）。",
    ),
    why=Text(
        "`backward()` adds to `.grad`. Without dividing, a step with learning rate {lr} acts like one with {passes} "
        "times that rate, and clipping thresholds, too, mean something else. Adam does not feel the scale, "
        "except in clipping and weight decay.",
        "`backward()` 会累加到 `.grad` 上。不做除法时，学习率 {lr} 的一步相当于 {passes} 倍学习率的一步，"
        "梯度裁剪的阈值也变了含义。Adam 除了裁剪和权重衰减之外感觉不到这个尺度。",
    ),
    fix=Text(
        "Divide each loss by the number of passes: `(loss / {passes}).backward()`.",
        "把每次的损失除以累积次数：`(loss / {passes}).backward()`。",
    ),
    bad="""\
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
x = torch.randn(1600, 16)
y = (x @ torch.randn(16, 4)).argmax(1)
loader = DataLoader(TensorDataset(x, y), batch_size=10, shuffle=True)

accumulate = 4
model = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 4))
optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9)
for epoch in range(5):
    for i, (inputs, labels) in enumerate(loader):
        loss = nn.functional.cross_entropy(model(inputs), labels)
        loss.backward()
        if (i + 1) % accumulate == 0:
            optimizer.step()
            optimizer.zero_grad()
    print(epoch, loss.item())
""",
    good="""\
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
x = torch.randn(1600, 16)
y = (x @ torch.randn(16, 4)).argmax(1)
loader = DataLoader(TensorDataset(x, y), batch_size=10, shuffle=True)

accumulate = 4
model = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 4))
optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9)
for epoch in range(5):
    for i, (inputs, labels) in enumerate(loader):
        loss = nn.functional.cross_entropy(model(inputs), labels) / accumulate
        loss.backward()
        if (i + 1) % accumulate == 0:
            optimizer.step()
            optimizer.zero_grad()
    print(epoch, accumulate * loss.item())
""",
    links=("https://docs.pytorch.org/docs/stable/notes/amp_examples.html#gradient-accumulation",),
    explains=("OPT007", "OPT013", "NUM001", "NUM002", "NUM003", "NUM004", "NUM007", "TRN001", "TRN003", "MOD003"),
    needs=("optimizer",),
)
