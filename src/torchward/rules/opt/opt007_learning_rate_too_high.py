"""OPT007: steps so large that the loss explodes or never settles."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from statistics import median
from typing import NamedTuple

from torchward.facts import LossStream, Optimizer, Run, Series, Training
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at
from torchward.rules._progress import is_range_test
from torchward.rules.opt._updates import leading, matrices, ratios

RATIO = 0.1
"""A step that changes weights by this share of their size is too large: the bound of TheDeepChecker (log10 > -1,
Ben Braiek & Khomh, TOSEM 2022) and DeepDiagnosis (ICSE 2022); healthy training is near 1e-3. It is not enough alone:
Adam's first steps on small weights pass it, so the loss must have suffered too."""
LEAP = 0.5
"""Share beyond which one step throws the old weights away."""
STILL = 1e-2
DEAD = 1e-3
"""What is left of the ratio of such a first leap (or of one half as long) once the units behind it are dead."""
LOW_PEAK = 1.5
PEAK = 2.0
HIGH_PEAK = 10.0
"""Rise of the loss over its first value: what noise of batches and warm-up do not reach in healthy runs. Where steps are
twice as large the lowest is enough. These and the next two are calibrated on 340 short runs: 11 tasks, 4 optimizers,
rates from 1e-8 to 100."""
NOT_LEARNED = 0.9
HALF = 0.5
"""Share of the first loss that is still there at the end."""
RELAPSE = 10.0
"""The end is this many times the best that the run had reached."""
GREW = 10.0
"""Growth of half of the matrices that is a flight, where the loss rose and stayed up with it; runs with heavy momentum
that learn reach it too. Flights of 400 to 600 steps reach 50 to 500."""
LONG = 1e-2
"""Ten times a healthy step: momentum makes a flight of steps that are not so long each."""
FIRST_LOSSES = 5
SOON = 20
STEPS = 100
STEPS_LIVE = 300
"""Losses before a verdict: a run that ended, and one that goes on and may still recover."""


class Curve(NamedTuple):
    start: float
    peak: float
    peak_step: int
    end: float


def check(run: Run) -> Iterator[Finding]:
    for training in run.trainings:
        optimizer = leading(run, training)
        if training.adversarial or len(training.losses) != 1 or optimizer is None or is_range_test(run, training):
            continue
        stream = next((one for one in run.streams if one.index == training.losses[0]), None)
        if stream is None:
            continue
        losses = stream.values.between(training.first_step, training.last_step + 1)
        moved = ratios(run, optimizer).between(training.first_step, training.last_step)
        if len(losses) < 2 or len(moved) < 2:
            continue
        verdict = next(
            filter(None, (look(run, losses, moved) for look in (_diverged, _suffered, _overshot, _leapt))), None
        )
        verdict = verdict or _scattered(run, training, optimizer, losses, moved)
        verdict = verdict or _ran_away(run, training, optimizer, losses, moved)
        if verdict is not None:
            yield _finding(optimizer, training, stream, *verdict)


def _diverged(run: Run, losses: Series, moved: Series) -> tuple[Curve, float] | None:
    """The loss grew until it was no number any more."""
    count = next((n for n, value in enumerate(losses.values) if not math.isfinite(value)), len(losses))
    if count in (0, len(losses)) or (run.nonfinite is not None and run.nonfinite.origin == "input"):
        return None
    values = losses.values[:count]
    start, peak = min(values[:3]), max(values)
    last = losses.steps[count - 1]
    ratio = max((r for step, r in zip(moved.steps, moved.values, strict=True) if step <= last), default=0.0)
    grew = start > 0 and peak >= HIGH_PEAK * start and ratio >= RATIO
    at_once = count <= 2 and ratio >= LEAP
    if not (grew or at_once):
        return None
    return Curve(start, peak, losses.steps[list(values).index(peak)], float(losses.values[count])), ratio


def _suffered(run: Run, losses: Series, moved: Series) -> tuple[Curve, float] | None:
    """The loss rose far above its start under large steps, and did not come back."""
    curve = _curve(run, losses, moved)
    later = sorted(moved.values[1:])  # the first step of Adam and RMSprop is always large
    if curve is None or len(later) < 3 or later[-2] < RATIO:
        return None
    rise = max(_smooth(losses.values)) / curve.start
    best = min(_smooth(losses.values))
    stuck = rise >= (LOW_PEAK if later[-2] >= 2 * RATIO else PEAK) and curve.end >= NOT_LEARNED * curve.start
    thrown = rise >= HIGH_PEAK and curve.end >= HALF * curve.start
    relapsed = rise >= PEAK and curve.end >= HALF * curve.start and curve.end >= RELAPSE * best
    return (curve, later[-2]) if stuck or thrown or relapsed else None


def _overshot(run: Run, losses: Series, moved: Series) -> tuple[Curve, float] | None:
    """The first steps replaced the weights, and since then nothing moves: saturated or dead units behind one leap."""
    curve = _curve(run, losses, moved)
    count = len(moved)
    if curve is None or count < 6 or curve.end < NOT_LEARNED * curve.start:
        return None
    first, rest = max(moved.values[:3]), median(moved.values[count // 2 :])
    died = (first >= LEAP and rest < STILL * first) or (first >= LEAP / 2 and rest < DEAD * first)
    return (curve, first) if died else None


def _leapt(run: Run, losses: Series, moved: Series) -> tuple[Curve, float] | None:
    """The first step threw the initial weights away, or the first three did, the loss shot up with it, and most of it
    (all of it) is still there."""
    curve = _curve(run, losses, moved)
    if curve is None or max(losses.values[:FIRST_LOSSES]) < PEAK * curve.start:
        return None
    at_once = moved.values[0] >= LEAP and curve.end >= HALF * curve.start
    first = moved.between(losses.steps[0], losses.steps[0] + 2).values
    in_three = len(first) == 3 and min(first) >= RATIO and sum(first) >= LEAP and curve.end >= NOT_LEARNED * curve.start
    return (curve, moved.values[0]) if at_once or in_three else None


def _scattered(
    run: Run, training: Training, optimizer: Optimizer, losses: Series, moved: Series
) -> tuple[Curve, float] | None:
    """A later stage threw away within its first steps what the stage before had learned, and nothing moves since then.

    Its first steps are seldom sampled: how far the weights have grown since the last stage tells how long they were.
    """
    curve = _curve(run, losses, moved)
    if curve is None or curve.peak < PEAK * curve.start or curve.peak_step > losses.steps[0] + SOON:
        return None
    steps = []
    for parameter in matrices(run, optimizer):
        norms = list(zip(parameter.weight_norm.steps, parameter.weight_norm.values, strict=True))
        before = next((norm for step, norm in reversed(norms) if step < training.first_step), 0.0)
        after = next(((step, norm) for step, norm in norms if step >= training.first_step), None)
        if before > 0 and after is not None and math.isfinite(after[1]):
            steps.append((after[1] / before - 1) / (after[0] - training.first_step + 1))
    ratio = median(steps) if steps else 0.0
    settled = [value for step, value in zip(losses.steps, losses.values, strict=True) if step > curve.peak_step]
    still = moved.values[-1] < DEAD * ratio and curve.end >= NOT_LEARNED * median(settled[: max(5, len(settled) // 3)])
    return (curve, ratio) if ratio >= RATIO and still else None


def _ran_away(
    run: Run, training: Training, optimizer: Optimizer, losses: Series, moved: Series
) -> tuple[Curve, float] | None:
    """No step was long for the weights it met, for they grow with the steps, and the loss rises all the way.

    The loss of a learner of values or of a policy may rise with what it learns.
    """
    curve, later = _curve(run, losses, moved), sorted(moved.values[1:])
    if curve is None or len(later) < 3 or later[-2] < LONG or run.episodes or run.choices or run.learners:
        return None
    if any(stream.weighed_choices for stream in run.streams if stream.index in training.losses):
        return None
    grown, counted = 0, 0
    for parameter in matrices(run, optimizer):
        norms = parameter.weight_norm.between(training.first_step, training.last_step).values
        if len(norms) > 2 and norms[0] > 0 and not parameter.loaded:
            counted += 1
            grown += norms[-1] >= GREW * norms[0]
    rose = max(_smooth(losses.values)) >= LOW_PEAK * curve.start and curve.end >= NOT_LEARNED * curve.start
    return (curve, later[-2]) if rose and grown and 2 * grown >= counted else None


def _curve(run: Run, losses: Series, moved: Series) -> Curve | None:
    values = losses.values
    if len(values) < (STEPS if run.ended else STEPS_LIVE) or not all(v >= 0 and math.isfinite(v) for v in values):
        return None
    # Where the very first steps are long, only the first loss is that of the untrained model.
    start = values[0] if max(moved.values[:2]) >= RATIO else median(values[:3])
    if start <= 0:
        return None
    peak, where = max((value, -n) for n, value in enumerate(values))
    return Curve(start, peak, losses.steps[-where], median(values[-max(10, len(values) // 5) :]))


def _smooth(values: Sequence[float], width: int = 5) -> list[float]:
    """Medians of `width` values in a row: one bad batch does not count."""
    return [median(values[n : n + width]) for n in range(len(values) - width + 1)]


def _finding(optimizer: Optimizer, training: Training, stream: LossStream, curve: Curve, ratio: float) -> Finding:
    rates = [rate for rate in optimizer.lr.values if rate > 0]
    rate = max(rates, default=0.0)
    return Finding(
        "OPT007",
        {
            "optimizer": optimizer.kind,
            "lr": rate,
            "ratio": ratio,
            "start": curve.start,
            "peak": curve.peak,
            "step": curve.peak_step,
            "end": curve.end,
            "try_lr": rate / (100 if ratio >= LEAP else 10),
            "stream": stream.index,
        },
        at(optimizer.made or optimizer.site, first=training.first_step),
        Confidence.LIKELY,
    )


RULE = Rule(
    code="OPT007",
    name="learning-rate-too-high",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "With lr={lr} single steps of the {optimizer} changed the weights by {ratio:.0%} of their size; the loss rose "
        "from "
        "{start} to {peak} (step {step}) and was {end} at the end.",
        "lr={lr} 时，{optimizer} 的单步更新达到权重自身大小的 {ratio:.0%}；损失从 {start} 升到 {peak}（第 {step} "
        "步），最后为 {end}。",
    ),
    why=Text(
        "A healthy step changes weights by about a thousandth of their size. Steps this large leave the region where "
        "the "
        "gradient means anything: the loss jumps, units die or saturate, or the numbers overflow.",
        "正常的一步大约改变权重大小的千分之一。步子这么大时，梯度所描述的方向已不再有效：损失跳变，神经元失活或饱和，"
        "甚至数值溢出。",
    ),
    fix=Text(
        "Lower the rate by a factor of 10 or more, for a start `{optimizer}(..., lr={try_lr})`, and raise it again "
        "while "
        "the loss falls smoothly. If a higher rate is needed later, warm up to it.",
        "把学习率降低到十分之一或更小，可以先试 `{optimizer}(..., lr={try_lr})`，在损失平稳下降的前提下再逐步提高。"
        "如果后期需要更大的学习率，请使用预热（warm-up）。",
    ),
    bad="""\
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
teacher = torch.randn(20, 5)
inputs = torch.randn(960, 20)
labels = (inputs @ teacher).argmax(1)
loader = DataLoader(TensorDataset(inputs, labels), batch_size=48, shuffle=True)

model = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 5))
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=1.0)

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
teacher = torch.randn(20, 5)
inputs = torch.randn(960, 20)
labels = (inputs @ teacher).argmax(1)
loader = DataLoader(TensorDataset(inputs, labels), batch_size=48, shuffle=True)

model = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 5))
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)

for epoch in range(10):
    for x, y in loader:
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch}: {loss.item():.3f}")
""",
    links=(
        "https://docs.pytorch.org/docs/stable/optim.html#per-parameter-options",
        "https://cs231n.github.io/neural-networks-3/#ratio",
    ),
    explains=("NUM001", "NUM002", "NUM003", "NUM004", "NUM007", "TRN*", "MOD003", "MOD004", "MOD011"),
    needs=("parameters", "optimizer"),
)
