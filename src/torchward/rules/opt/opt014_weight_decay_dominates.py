"""OPT014: weight decay that takes the weights away faster than the loss can build them up."""

from __future__ import annotations

import math
from collections.abc import Iterator
from statistics import median

from torchward.facts import Optimizer, Parameter, Run, Training
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at
from torchward.rules._progress import Progress, progress
from torchward.rules.opt._updates import leading, matrices, trained_before

SHRUNK = 0.3
"""Share of its first norm that half of the weight matrices have fallen to. In 230 runs with decays from 1e-4 to 100
those that learned kept more in most of their layers (layers before batch norm, whose scale is free, lose most)."""
NOT_LEARNED = 0.9
EXPLAINED = 0.6
"""The decay alone, lr * weight_decay over all steps, would have brought the weights down to this share or less."""
OUTWEIGHS = 1.0
"""Or the decay term is larger than the gradient (where an adaptive optimizer mixes the two)."""
GONE = 1e-3
"""A matrix that is down to this share of its size takes no part any more, whatever the loss does."""
SAMPLES = 5
SWEPT = 3.0
"""Times the gradient that the decay term was, typically, while the weights shrank."""
PARTLY = 0.75
"""Share of its rows that a batch uses of a table, at most."""
STRONG = 5.0
"""Decay times the rows of a table. A row is used by one example in so many, and its decay is paid in full: for each
example of its own it is this factor of the weights that stands against the gradient, whose slope is of order 1. Of
training with two tables of 1,500 rows, and a factor of 1.5 or 4.5, nothing is said: it overcame the decay in time, and
the decay even kept it from over-fitting."""
QUARTER = 0.25
SINCE = 0.05
"""Share of its first value that the loss has lost after the first quarter of the training, at most. Where two tables
overcame the decay within 16 epochs (factors of 4.5 and 7.5) it was a tenth, where they stayed next to nothing 0.02.
That they had overcome it earlier cannot be told apart, so this is no more than a hint."""


def check(run: Run) -> Iterator[Finding]:
    for training in run.trainings:
        far = progress(run, training)
        optimizer = leading(run, training)
        if far is None or optimizer is None or optimizer.weight_decay <= 0:
            continue
        held = [p for p in run.parameters if p.index in optimizer.parameters and p.module_kind.startswith("Embedding")]
        watched = [
            p
            for p in (*matrices(run, optimizer), *held)
            if len(p.weight_norm) >= SAMPLES and p.weight_norm.values[0] > 0
        ]
        # Rows of a table that few examples use shrink without harm, as long as the table does not vanish.
        shrunk = [p for p in watched if _share(p) <= (GONE if p in held else SHRUNK)]
        gone = any(_share(p) <= GONE for p in shrunk)
        # What is left of the model, a bias or a mean, may lower the loss all the same.
        if far.end < NOT_LEARNED * far.start and not far.at_chance and not gone:
            continue
        if trained_before(run, optimizer, far):
            continue  # before batch norm weights may shrink for long without harm
        if not shrunk or 2 * len(shrunk) < len(watched):
            continue
        kept, outweighs = _predicted(optimizer, training), median(_outweighs(p, optimizer) for p in shrunk)
        if kept > EXPLAINED and outweighs < OUTWEIGHS:
            continue
        yield Finding(
            "OPT014",
            {
                "optimizer": optimizer.kind,
                "weight_decay": optimizer.weight_decay,
                "lr": max(optimizer.lr.values, default=0.0),
                "layers": tuple(dict.fromkeys(p.name for p in shrunk))[:8],
                "count": len(shrunk),
                "share": median(_share(p) for p in shrunk),
                "outweighs": outweighs,
                "start": far.start,
                "end": far.end,
            },
            at(
                optimizer.made or optimizer.site,
                module=shrunk[0].module,
                parameter=shrunk[0].name,
                first=training.first_step,
            ),
            Confidence.CERTAIN if min(kept, median(_share(p) for p in shrunk)) < 0.1 else Confidence.LIKELY,
        )


def check_mixed(run: Run) -> Iterator[Finding]:
    """Adam and its like take the decay for a part of the gradient and scale both to one size: where it is the larger one,
    weights lose a whole step each time, however small they are by then. What is learned comes after that, from the rest."""
    for training in run.trainings if run.ended else ():
        far, optimizer = progress(run, training), leading(run, training)
        if far is None or optimizer is None or optimizer.weight_decay <= 0:
            continue
        if optimizer.decoupled or optimizer.kind == "SGD" or trained_before(run, optimizer, far):
            continue
        held = [p for p in run.parameters if p.index in optimizer.parameters and p.module_kind.startswith("Embedding")]
        watched = [p for p in (*matrices(run, optimizer), *held) if len(p.weight_norm) >= SAMPLES]
        swept = [p for p in watched if _swept(p, optimizer) >= SWEPT]
        sizes = [sum(math.prod(p.shape) for p in some) for some in (swept, watched)]
        if len(swept) < 2 or 2 * sizes[0] < sizes[1]:
            continue
        yield Finding(
            "OPT014",
            {
                "optimizer": optimizer.kind,
                "weight_decay": optimizer.weight_decay,
                "lr": max(optimizer.lr.values, default=0.0),
                "layers": tuple(dict.fromkeys(p.name for p in swept))[:8],
                "count": len(swept),
                "share": median(min(p.weight_norm.values) / p.weight_norm.values[0] for p in swept),
                "outweighs": median(_swept(p, optimizer) for p in swept),
                "start": far.start,
                "end": far.end,
            },
            at(optimizer.made or optimizer.site, module=swept[0].module, parameter=swept[0].name),
            Confidence.LIKELY,
            severity=Severity.WARNING,
        )


def check_tables(run: Run) -> Iterator[Finding]:
    """The same for tables of which a batch uses some rows. The gradient of a batch is that of the rows in use, and each
    row is in use now and then, while the decay is there at every step: what pulls against it is the average gradient, at
    most the share of the rows in use times as large. Rows that nobody uses may go: only those in use are looked at."""
    for training in run.trainings if run.ended else ():
        far, optimizer = progress(run, training), leading(run, training)
        if far is None or optimizer is None or far.halved or trained_before(run, optimizer, far):
            continue
        tables = [
            p
            for p in run.parameters
            if p.index in optimizer.parameters
            and len(p.used_weight) >= SAMPLES
            and median(p.rows_used.values) <= PARTLY
            and optimizer.weight_decay * p.shape[0] >= STRONG
        ]
        swept = [
            (p, found[1:])
            for p in tables
            if (found := _swept_rows(p, optimizer)) is not None and _learned_late(far, found[0]) <= SINCE
        ]
        rest = [p for p in matrices(run, optimizer) if p not in tables]
        sizes = [sum(math.prod(p.shape) for p in some) for some in ([p for p, _ in swept], [*tables, *rest])]
        if not swept or 2 * sizes[0] < sizes[1]:
            continue
        yield Finding(
            "OPT014",
            {
                "optimizer": optimizer.kind,
                "weight_decay": optimizer.weight_decay,
                "lr": max(optimizer.lr.values, default=0.0),
                "layers": tuple(dict.fromkeys(p.name for p, _ in swept))[:8],
                "count": len(swept),
                "share": median(share for _, (share, _) in swept),
                "outweighs": median(ratio for _, (_, ratio) in swept),
                "start": far.start,
                "end": far.end,
            },
            at(optimizer.made or optimizer.site, module=swept[0][0].module, parameter=swept[0][0].name),
            Confidence.POSSIBLE,
            severity=Severity.HINT,
        )


def _learned_late(far: Progress, step: int) -> float:
    """Share of its first value that the loss has lost after a quarter of the training, if the rows had shrunk by then:
    what else there is in the model, as biases, has been learned meanwhile."""
    first, last = far.training.first_step, far.training.last_step
    quarter = first + int(QUARTER * (last - first))
    values = far.stream.values.between(quarter, quarter + max(10, (last - first) // 20)).values
    if step > quarter or not values or far.start <= 0:
        return math.inf
    return (median(values) - far.end) / far.start


def _swept_rows(parameter: Parameter, optimizer: Optimizer) -> tuple[int, float, float] | None:
    """When the rows in use had shrunk, how small they became, and the decay in units of the average gradient by then."""
    sizes = parameter.used_weight.values
    first = median(sizes[:SAMPLES])
    there = next((n for n, size in enumerate(sizes) if size <= SHRUNK * first), None)
    if not there or there < SAMPLES:
        return None
    found = [
        optimizer.weight_decay * size / (share * gradient)
        for share, size, gradient in zip(
            parameter.rows_used.values[:there], sizes, parameter.used_gradient.values, strict=False
        )
        if share * gradient > 0
    ]
    ratio = median(found) if found else 0.0
    return (parameter.used_weight.steps[there], min(sizes) / first, ratio) if ratio >= SWEPT else None


def _swept(parameter: Parameter, optimizer: Optimizer) -> float:
    """Typical size of the decay term in units of the gradient until the weights were smallest, if that is `SHRUNK`."""
    steps, norms = parameter.weight_norm.steps, parameter.weight_norm.values
    least = min(range(len(norms)), key=norms.__getitem__)
    if least < SAMPLES or not 0 <= norms[least] <= SHRUNK * norms[0]:
        return 0.0
    gradients = dict(zip(parameter.grad_norm.steps, parameter.grad_norm.values, strict=True))
    found = [
        optimizer.weight_decay * norm / gradients[step]
        for step, norm in zip(steps[:least], norms[:least], strict=True)
        if gradients.get(step, 0) > 0
    ]
    return median(found) if found else 0.0


def _share(parameter: Parameter) -> float:
    norms = parameter.weight_norm.values
    return norms[-1] / norms[0] if math.isfinite(norms[-1]) else math.inf


def _predicted(optimizer: Optimizer, training: Training) -> float:
    """What the decay alone would have left of the weights. Adam mixes it into its gradient: nothing can be "
    "predicted."""
    if not (optimizer.decoupled or optimizer.kind == "SGD") or not optimizer.lr.values:
        return 1.0
    rate = sum(optimizer.lr.values) / len(optimizer.lr)
    factor = 1.0 if optimizer.decoupled else 1.0 / max(0.01, 1 - optimizer.momentum)
    steps = training.last_step - training.first_step + 1
    return math.exp(-min(700.0, rate * optimizer.weight_decay * factor * steps))


def _outweighs(parameter: Parameter, optimizer: Optimizer) -> float:
    """Typical size of the decay term in units of the gradient."""
    gradients = dict(zip(parameter.grad_norm.steps, parameter.grad_norm.values, strict=True))
    found = [
        optimizer.weight_decay * norm / gradients[step]
        for step, norm in zip(parameter.weight_norm.steps, parameter.weight_norm.values, strict=True)
        if gradients.get(step, 0) > 0
    ]
    return median(found) if found and not optimizer.decoupled else 0.0


RULE = Rule(
    code="OPT014",
    name="weight-decay-dominates",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check, check_mixed, check_tables),
    message=Text(
        "With weight_decay={weight_decay} and lr={lr} of the {optimizer}, {count} weight(s) ({layers}) shrank to "
        "{share:.1%} "
        "of their first norm, while the loss went from {start} to {end}.",
        "{optimizer} 的 weight_decay={weight_decay}、lr={lr} 下，{count} 个权重（{layers}）的范数缩小到最初的 "
        "{share:.1%}，"
        "而损失从 {start} 变为 {end}。",
    ),
    why=Text(
        "Each step takes a share of every weight away. Where that is more than the gradient gives back, the weights "
        "go to "
        "zero and the output no longer depends on the input.",
        "每一步都会按比例减小所有权重。如果减小的量超过梯度补回的量，权重会趋于零，输出不再依赖输入。",
    ),
    fix=Text(
        "Lower the decay: usual values are `weight_decay=1e-4` for SGD, `1e-2` to `1e-1` for AdamW, and `0` to `1e-4` "
        "for "
        "Adam, whose decay is no plain decay (use AdamW for that).",
        "降低权重衰减：常用值为 SGD `weight_decay=1e-4`、AdamW `1e-2` 到 `1e-1`、Adam `0` 到 `1e-4`。"
        "Adam 的衰减并不是真正的权重衰减（需要时请用 AdamW）。",
    ),
    bad="""\
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
inputs = torch.randn(960, 20)
labels = (inputs @ torch.randn(20, 6)).argmax(1)
loader = DataLoader(TensorDataset(inputs, labels), batch_size=48, shuffle=True)

model = nn.Sequential(nn.Linear(20, 48), nn.Tanh(), nn.Linear(48, 48), nn.Tanh(), nn.Linear(48, 6))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=0.5)
criterion = nn.CrossEntropyLoss()

for epoch in range(12):
    for x, y in loader:
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    good="""\
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
inputs = torch.randn(960, 20)
labels = (inputs @ torch.randn(20, 6)).argmax(1)
loader = DataLoader(TensorDataset(inputs, labels), batch_size=48, shuffle=True)

model = nn.Sequential(nn.Linear(20, 48), nn.Tanh(), nn.Linear(48, 48), nn.Tanh(), nn.Linear(48, 6))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4)
criterion = nn.CrossEntropyLoss()

for epoch in range(12):
    for x, y in loader:
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    links=(
        "https://docs.pytorch.org/docs/stable/generated/torch.optim.AdamW.html",
        "https://arxiv.org/abs/1711.05101",
    ),
    explains=("OPT008", "NUM003", "MOD003", "MOD010", "TRN*"),
    needs=("parameters", "optimizer"),
)
