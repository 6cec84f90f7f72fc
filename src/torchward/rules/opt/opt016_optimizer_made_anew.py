"""OPT016: an optimizer that is made anew at every step or every epoch, and forgets what it had gathered."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterator, Sequence
from statistics import median

from torchward.facts import Loader, Optimizer, Run, Site
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

SHORT = 2
"""Steps that an optimizer makes at most when it is made for each step."""
MANY = 8
"""Such optimizers, of one line, over the same parameters."""
EPOCHS = 4
"""Optimizers that each live for one pass over the training data, at least."""
SAME_LENGTH = 0.1
CONTINUES = 0.7
"""Share of the optimizers whose first losses are nearer to the last ones of the optimizer before than to the very
first: the same training goes on. In a new fold or a new task it begins again."""


def check(run: Run) -> Iterator[Finding]:
    groups: dict[tuple[Site, str, tuple[int, ...]], list[Optimizer]] = defaultdict(list)
    for optimizer in run.optimizers:
        if optimizer.made is not None and optimizer.steps and _gathers(optimizer):
            groups[optimizer.made, optimizer.kind, optimizer.parameters].append(optimizer)
    for (site, kind, held), found in groups.items():
        found.sort(key=lambda one: one.first_step)
        loaded = any(parameter.loaded and parameter.index in held for parameter in run.parameters)
        lengths = sorted(one.steps for one in found[:-1]) or [0]
        if len(found) >= MANY and lengths[-1] <= SHORT:
            each, confidence = "step", Confidence.CERTAIN
        elif (
            len(found) >= EPOCHS
            and not loaded
            and lengths[0] >= (1 - SAME_LENGTH) * lengths[-1]
            and (any(_is_one_pass(one, lengths[-1]) for one in run.loaders) or (not run.loaders and len(found) >= MANY))
            and _goes_on(run, found)
        ):
            each, confidence = "epoch", Confidence.LIKELY
        else:
            continue
        rates = {max(one.lr.values, default=0.0) for one in found}
        yield Finding(
            "OPT016",
            {
                "optimizer": kind,
                "times": len(found),
                "each": each,
                "steps": int(median(lengths)),
                "rates": len(rates),
            },
            at(site, first=found[0].first_step),
            confidence,
            # By a new rate each time somebody decays it, if in an expensive way.
            # And by one that adapts a loaded model to each input, and puts its weights back.
            Severity.HINT if (len(rates) > 1 and each == "epoch") or loaded else None,
        )


def _gathers(optimizer: Optimizer) -> bool:
    """It keeps something from step to step. LBFGS may well be made anew for each problem."""
    return optimizer.kind != "LBFGS" and (optimizer.kind != "SGD" or optimizer.momentum > 0)


def _is_one_pass(loader: Loader, steps: int) -> bool:
    return loader.trains and bool(loader.batches) and abs(steps - (loader.batches or 0)) <= SAME_LENGTH * steps


def _goes_on(run: Run, found: Sequence[Optimizer]) -> bool:
    stream = max(run.streams, key=lambda one: len(one.values), default=None)
    if stream is None:
        return False
    first = _typical(stream.values.between(found[0].first_step, found[0].first_step + 2).values)
    near = 0
    for before, after in itertools.pairwise(found):
        start = _typical(stream.values.between(after.first_step, after.first_step + 4).values)
        end = _typical(stream.values.between(after.first_step - 5, after.first_step - 1).values)
        near += before.last_step < after.first_step and abs(start - end) < abs(start - first)
    return near >= CONTINUES * (len(found) - 1)


def _typical(values: Sequence[float]) -> float:
    return median(values) if values else float("nan")


RULE = Rule(
    code="OPT016",
    name="optimizer-made-anew",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "`{optimizer}` is made anew in every {each} for the same parameters (seen {times} times, {steps} steps each).",
        "对同一组参数，`{optimizer}` 在每个 {each} 都被重新创建（见到 {times} 次，每次 {steps} 步）。",
    ),
    why=Text(
        "Momentum and the averages by which Adam scales its steps are kept in the optimizer object. A new one begins "
        "with none: made at each step, Adam always takes its full first step in the direction of the sign of one "
        "noisy gradient; made at each epoch, it warms up again and again, and a scheduler starts over as well.",
        "动量以及 Adam 用来缩放步长的滑动平均都保存在优化器对象里。新的优化器一无所有：若每步都新建，"
        "Adam 每次都只按单个带噪声梯度的符号走完整的第一步；若每个 epoch 新建，它会反复预热，调度器也会从头开始。",
    ),
    fix=Text(
        "Make `{optimizer}` once, before the loop, and pass it to the function that trains. To change the rate, "
        "write to `optimizer.param_groups[0]['lr']` or use a scheduler.",
        "在循环之前只创建一次 `{optimizer}`，并把它传给训练函数。要改变学习率，修改 "
        "`optimizer.param_groups[0]['lr']` 或使用调度器。",
    ),
    bad="""\
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
inputs = torch.randn(960, 14)
labels = (inputs @ torch.randn(14, 4)).argmax(1)
loader = DataLoader(TensorDataset(inputs, labels), batch_size=32, shuffle=True)
model = nn.Sequential(nn.Linear(14, 32), nn.ReLU(), nn.Linear(32, 4))


def train_one_epoch(model, loader):
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    for x, y in loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
    return loss.item()


for epoch in range(8):
    print(epoch, train_one_epoch(model, loader))
""",
    good="""\
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
inputs = torch.randn(960, 14)
labels = (inputs @ torch.randn(14, 4)).argmax(1)
loader = DataLoader(TensorDataset(inputs, labels), batch_size=32, shuffle=True)
model = nn.Sequential(nn.Linear(14, 32), nn.ReLU(), nn.Linear(32, 4))


def train_one_epoch(model, loader, optimizer):
    for x, y in loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
    return loss.item()


optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(8):
    print(epoch, train_one_epoch(model, loader, optimizer))
""",
    links=("https://docs.pytorch.org/docs/stable/optim.html#constructing-it", "https://arxiv.org/abs/1412.6980"),
    explains=("OPT007", "OPT009", "TRN001", "TRN003"),
    needs=("optimizer",),
)
