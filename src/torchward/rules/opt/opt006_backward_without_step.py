"""OPT006: backward passes that pile up with no optimizer step to use them."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from torchward.facts import Optimizer, Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

NEVER = 30
"""Backward passes after which an optimizer that never stepped is no longer about to."""
PILE = 128
"""Backward passes for one step beyond which accumulation is doubted: recipes that accumulate on purpose use up to 64
(nanoGPT 40, LLaMA-Factory 8, torchtune 16), and those that use more clear once, not at every pass."""
CYCLES, CLEARED = 10, 0.9
"""Sampled steps, at least, and the share of them in which passes before the last one were for nothing."""
EPOCH = 8
"""Least number of batches in an epoch for "one step per epoch" to be told from ordinary accumulation."""


def check(run: Run) -> Iterator[Finding]:
    held_elsewhere = {index for one in run.optimizers if one.steps for index in one.parameters}
    for optimizer in run.optimizers:
        if optimizer.step_scaled and not optimizer.steps:
            continue  # a GradScaler skips steps whose gradients are not finite
        if not optimizer.steps:
            others = any(one.steps for one in run.optimizers)
            reached = [p for p in run.parameters if p.index in optimizer.parameters and p.in_graph and p.requires_grad]
            # A wrapper (or what it wraps) may step in its place; of several, one may wait for a later stage.
            if not reached or held_elsewhere.intersection(optimizer.parameters) or (others and not run.ended):
                continue
            if run.backwards < NEVER or (others and run.backwards < 4 * NEVER):
                continue
            yield _finding(run, optimizer, run.backwards, Confidence.CERTAIN)
            continue
        most = optimizer.most_backwards_between
        loader = max((one for one in run.loaders if one.trains), key=lambda one: one.fetched, default=None)
        batches = loader.batches if loader is not None and loader.batches else 0
        per_epoch = batches >= EPOCH and most >= batches - 1 and optimizer.steps <= (loader.iterations if loader else 0)
        thrown_away = _cleared_between(run, optimizer)
        if per_epoch and thrown_away:
            yield _finding(run, optimizer, most, Confidence.CERTAIN)
        elif (
            thrown_away
            and most >= EPOCH
            and len(run.streams) == 1
            and len(held_elsewhere - set(optimizer.parameters)) == 0
        ) or (loader is not None and _thrown_away(run, optimizer, loader.fetched)):
            yield _finding(run, optimizer, most, Confidence.LIKELY)
        elif most > PILE and _usual(run) and (per_epoch or thrown_away or most > 8 * PILE):
            yield _finding(run, optimizer, most, Confidence.LIKELY, Severity.WARNING)


def _thrown_away(run: Run, optimizer: Optimizer, fetched: int) -> bool:
    """Each step follows several passes, each of another batch of the loader, and all but the last few are cleared before
    it. Where one batch is passed through several times, the gradients in between may be what is wanted."""
    if len(run.streams) != 1 or len(run.optimizers) != 1 or not optimizer.steps or optimizer.cycles_rescaled:
        return False
    passes = [[name for name, _ in cycle.events if name in ("backward", "zero", "step")] for cycle in run.cycles]
    whole = [events for events in passes if events.count("step") == 1 and events[-1] == "step"]
    cleared = [
        "zero" in events[1:] and "backward" in events[: events.index("zero", 1)] for events in whole if len(events) > 1
    ]
    counts = [events.count("backward") for events in whole]
    if len(whole) < CYCLES or len(cleared) < len(whole) or sum(cleared) < CLEARED * len(cleared) or median(counts) < 2:
        return False
    return fetched >= CLEARED * median(counts) * optimizer.steps


def _usual(run: Run) -> bool:
    """Most steps follow many passes. A stretch between two stages that only reads gradients, as the Fisher information of
    elastic weight consolidation or a saliency does, is no accumulation."""
    passes = [sum(name == "backward" for name, _ in cycle.events) for cycle in run.cycles]
    return bool(passes) and median(passes) >= EPOCH


def _cleared_between(run: Run, optimizer: Optimizer) -> bool:
    """Gradients are cleared between the backward passes of one step: all but the last were for nothing."""
    seen = 0
    for cycle in run.cycles:
        passed = cleared = 0
        for name, index in cycle.events:
            if name == "backward":
                passed += 1
            elif name == "zero" and index in (-1, optimizer.index) and passed > cleared:
                cleared += 1
            elif name == "step" and index == optimizer.index:
                break
        seen += cleared >= EPOCH // 2
    return seen >= 1


def _finding(
    run: Run, optimizer: Optimizer, passes: int, confidence: Confidence, severity: Severity | None = None
) -> Finding:
    stream = max(run.streams, key=lambda one: len(one.values), default=None)
    alone = not any(one.steps for one in run.optimizers)
    site = optimizer.site or (stream.site if stream and alone else None) or optimizer.made
    return Finding(
        "OPT006",
        {
            "optimizer": optimizer.kind,
            "passes": passes,
            "steps": optimizer.steps,
            "backwards": run.backwards,
        },
        at(site),
        confidence,
        severity,
    )


RULE = Rule(
    code="OPT006",
    name="backward-without-step",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "{backwards} backward passes, but {steps} step(s) of the {optimizer}: up to {passes} passes in a row with no "
        "step.",
        "共 {backwards} 次反向传播，{optimizer} 却只更新了 {steps} 步：最多连续 {passes} 次反向传播没有更新。",
    ),
    why=Text(
        "Weights change only in `optimizer.step()`. Gradients that are cleared before it are lost; gradients that "
        "pile up "
        "for long make one huge step, or none.",
        "权重只在 `optimizer.step()` 中改变。在它之前被清零的梯度就白算了；长时间累积的梯度只会带来一次过大的更新，"
        "甚至没有更新。",
    ),
    fix=Text(
        "Step once per batch: put `optimizer.step()` into the inner loop, right after `loss.backward()`. To "
        "accumulate on "
        "purpose, divide the loss by the number of passes, step after them, and clear only then.",
        "每个批次更新一次：把 `optimizer.step()` 放进内层循环，紧跟在 `loss.backward()` 之后。"
        "若是有意累积，请把损失除以累积次数，累积够了再更新，更新之后才清零。",
    ),
    bad="""\
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
points = torch.randn(960, 10)
classes = (points @ torch.randn(10, 3)).argmax(1)
loader = DataLoader(TensorDataset(points, classes), batch_size=40, shuffle=True)

model = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 3))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
criterion = nn.CrossEntropyLoss()

for epoch in range(10):
    for x, y in loader:
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
    optimizer.step()
    print(f"epoch {epoch}: {loss.item():.3f}")
""",
    good="""\
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
points = torch.randn(960, 10)
classes = (points @ torch.randn(10, 3)).argmax(1)
loader = DataLoader(TensorDataset(points, classes), batch_size=40, shuffle=True)

model = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 3))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
criterion = nn.CrossEntropyLoss()

for epoch in range(10):
    for x, y in loader:
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch}: {loss.item():.3f}")
""",
    links=(
        "https://docs.pytorch.org/docs/stable/optim.html#taking-an-optimization-step",
        "https://docs.pytorch.org/docs/stable/notes/amp_examples.html#gradient-accumulation",
    ),
    explains=("OPT008", "TRN*"),
    needs=("optimizer",),
)
