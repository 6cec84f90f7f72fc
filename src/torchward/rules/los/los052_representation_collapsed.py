"""LOS052: an encoder trained on pairs of views gives the same embedding to everything."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from statistics import correlation, linear_regression, median

from torchward.facts import Input, Run, Series
from torchward.rule import Confidence, Finding, Place, Rule, Severity, Text
from torchward.rules._at import at

LEAST_SAMPLES = 10
STILL_RUNNING = 2_000
LEAST_FEATURES = 8
COLLAPSED = 0.08
"""Deviation between the directions of embeddings. Those that spread over a sphere have about 1 (Chen and He, Exploring
Simple Siamese Representation Learning, 2021, figure 2, divide by it), a network at its start 0.2 and more. Encoders
that collapsed were at 0.015 to 0.07 by the end of short runs; trained ones stayed above 0.2."""
LOST = 0.2
"""... and a share of what it was at first."""

SHRUNK, NARROW = 0.1, 0.25
"""Deviation between outputs, as a share of what it was, and between their directions, of a network that a loss made of
distances between its outputs alone draws together. The sampled steps of a run may end before its directions are at
`COLLAPSED`: 0.04 and 0.13 after 480 of 3,000 steps of a Siamese network whose hinge never pushed."""
FALLS = 0.8
"""... and as a share of what it was halfway: it falls to the end."""
FOLLOWS, POWER = 0.95, (0.7, 2.4)
"""Correlation of the logarithms of loss and deviation, and slope: such a loss is nothing but a distance (1) or its
square (2) on the scale of the outputs. 0.998 and 1.9 there, -0.7 and -2.7 in its sound twin."""

LINE, APART, GIVEN = 1.1, 3.0, 5.0
"""Directions that the outputs differ in, at the end and at first, and that the inputs do, where a loss does nothing but
draw its outputs together. A SimSiam network without its stop-gradient, held up by batch norm, went from 7.7 to 1.00 of
64 in four epochs, on inputs with 28; its sound twin stayed above 2.1."""

ACTS = 0.2
"""Share of calls in train mode without gradients, of those with."""


def check(run: Run) -> Iterator[Finding]:
    if not run.ended and run.steps < STILL_RUNNING:
        return
    for given in run.inputs:
        if _chooses(run, given.model):
            continue
        if len(given.output_shape) != 2:
            continue
        together = _drawn_together(run, given)
        if together or _seen_twice(run, given.model):
            features, place = given.output_shape[1], at(given.site, given.output_directions)
            limit = NARROW if together else COLLAPSED
            yield from _collapsed(features, given.output_directions, given.spread, place, limit)
        yield from _on_a_line(run, given)
    for view in run.views:
        if _chooses(run, view.model):
            continue
        place = at(view.site, view.directions, view.module)
        yield from _collapsed(view.features, view.directions, view.spread, place)


def _collapsed(
    features: int, directions: Series, spread: Series, place: Place, limit: float = COLLAPSED
) -> Iterator[Finding]:
    if len(directions) < LEAST_SAMPLES or not spread or features < LEAST_FEATURES:
        return
    first, last, inputs = (median(directions.values[:3]), median(directions.values[-3:]), median(spread.values[-3:]))
    if last < limit and last < LOST * first and inputs > 0:
        yield Finding(
            "LOS052",
            data={
                "measured": f"std(z / |z|) = {last:.3g} ({first:.3g})",
                "inputs": f"std(x) = {inputs:.3g}",
                "step": directions.steps[-1],
                "features": features,
            },
            place=place,
            confidence=Confidence.LIKELY,
        )


def _on_a_line(run: Run, given: Input) -> Iterator[Finding]:
    """Batch norm keeps outputs from becoming one point: a loss that draws them together leaves them one line."""
    axes, features = given.output_axes, given.output_shape[1]
    own = next((one for one in run.models if one.index == given.model), None)
    if own is None or len(axes) < LEAST_SAMPLES or features < LEAST_FEATURES or not given.axes:
        return
    first, last, inputs = (median(part) for part in (axes.values[:3], axes.values[-3:], given.axes.values[-3:]))
    if not (0 < last < LINE and first > APART and inputs > GIVEN and not _collapsed_to_a_point(given)):
        return
    stages = [one for one in run.trainings if one.index in own.in_trainings]
    streams = [one for one in run.streams if any(one.index in stage.losses for stage in stages)]
    if streams and all(features in one.draws for one in streams):
        yield Finding(
            "LOS052",
            data={
                "measured": f"(tr C)² / tr C² = {last:.3g} ({first:.3g})",
                "inputs": f"{inputs:.3g}",
                "step": axes.steps[-1],
                "features": features,
            },
            place=at(given.site, axes),
            confidence=Confidence.LIKELY,
        )


def _collapsed_to_a_point(given: Input) -> bool:
    return median(given.output_directions.values[-3:] or (1.0,)) < COLLAPSED


def _drawn_together(run: Run, given: Input) -> bool:
    """A loss that takes distances between its outputs falls as they come closer to each other, by nothing else."""
    spread, own = given.output_spread, next((one for one in run.models if one.index == given.model), None)
    if own is None or len(spread) < LEAST_SAMPLES:
        return False
    first, middle, last = (median(part) for part in (spread.values[:3], _middle(spread), spread.values[-3:]))
    if not 0 < last < SHRUNK * first or last > FALLS * middle:
        return False
    for stage in run.trainings:
        alone = stage.index in own.in_trainings and len(stage.losses) == 1
        stream = next((one for one in run.streams if alone and one.index == stage.losses[0]), None)
        if stream is None or given.output_shape[1] not in stream.between:
            continue
        losses = dict(zip(stream.values.steps, stream.values.values, strict=True))
        pairs = [(size, losses.get(step, 0.0)) for step, size in zip(spread.steps, spread.values, strict=True)]
        logs = [(math.log(size), math.log(loss)) for size, loss in pairs if size > 0 < loss < math.inf]
        sizes, values = [size for size, _ in logs], [value for _, value in logs]
        if len(logs) < max(LEAST_SAMPLES, len(pairs) // 2) or min(values) == max(values):
            continue
        if correlation(sizes, values) > FOLLOWS and POWER[0] < linear_regression(sizes, values).slope < POWER[1]:
            return True
    return False


def _middle(series: Series) -> Sequence[float]:
    half = len(series) // 2
    return series.values[half - 1 : half + 2]


def _chooses(run: Run, model: int) -> bool:
    """It is trained by a loss that tells one thing from others. A probe that is trained on its outputs is not."""
    own = next((one for one in run.models if one.index == model), None)
    stages = [one for one in run.trainings if own is not None and one.index in own.in_trainings]
    return any(
        loss.training
        and loss.kind in ("cross_entropy", "nll_loss")
        and any(len(loss.values.between(stage.first_step, stage.last_step)) for stage in stages or run.trainings)
        for loss in run.losses
    )


def _seen_twice(run: Run, model: int) -> bool:
    """The model, or a part of it, is called twice or more for each backward pass: on two views, or an anchor and more."""
    if any(view.model == model for view in run.views):
        return True
    called = next((one.calls for one in run.models if one.index == model), None)
    if called is not None and called.training_no_grad > ACTS * called.training_with_backward:
        return False  # it also acts, or labels: these calls are no views
    calls = passes = 0
    for cycle in run.cycles:
        own = cycle.events.count(("forward", model))
        calls += own
        passes += own > 0 and sum(name == "backward" for name, _ in cycle.events)
    return passes > 0 and calls >= 1.9 * passes


RULE = Rule(
    code="LOS052",
    name="representation-collapsed",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "embeddings z of {features} features point the same way, or lie on one line (both are 1 or more when they are "
        "spread out): at step {step} {measured}, at first in brackets, although for the inputs it is {inputs}.",
        "{features} 维嵌入 z 几乎都指向同一方向，或落在一条直线上（分散时两者都不小于 1）：第 {step} 步 {measured}"
        "（括号内为起初的值），而输入为 {inputs}。",
    ),
    why=Text(
        "A loss that only pulls views of one example together is best served by one embedding for everything: it is at its "
        "minimum, and the encoder has forgotten its input.",
        "只把同一样本的两个视图拉近的损失，最省事的解就是所有输入都用同一个嵌入：损失到了最小值，而编码器忘掉了输入。",
    ),
    fix=Text(
        "Give the loss something that pushes apart: negatives (`F.cross_entropy(a @ b.T / 0.1, torch.arange(len(a)))`), a "
        "term for variance (VICReg), or a predictor with the other branch detached: "
        "`-F.cosine_similarity(predictor(a), b.detach()).mean()`.",
        "让损失也有推开的力量：负样本（`F.cross_entropy(a @ b.T / 0.1, torch.arange(len(a)))`）、方差项（VICReg），"
        "或加上预测头并对另一分支 detach：`-F.cosine_similarity(predictor(a), b.detach()).mean()`。",
    ),
    bad="""\
import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)
centres = torch.randn(200, 16)
encoder = nn.Sequential(nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, 32))
optimizer = torch.optim.Adam(encoder.parameters(), lr=3e-3)
for step in range(400):
    x = centres[torch.randperm(200)[:64]]
    a = encoder(x + 0.3 * torch.randn_like(x))
    b = encoder(x + 0.3 * torch.randn_like(x))
    loss = F.mse_loss(a, b)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(loss.item())
""",
    good="""\
import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)
centres = torch.randn(200, 16)
encoder = nn.Sequential(nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, 32))
optimizer = torch.optim.Adam(encoder.parameters(), lr=3e-3)
for step in range(400):
    x = centres[torch.randperm(200)[:64]]
    a = encoder(x + 0.3 * torch.randn_like(x))
    b = encoder(x + 0.3 * torch.randn_like(x))
    spread = sum(F.relu(1 - z.std(dim=0)).mean() for z in (a, b))
    centred = [z - z.mean(dim=0) for z in (a, b)]
    shared = sum(((z.T @ z / 63).triu(1) ** 2).sum() / 32 for z in centred)
    loss = F.mse_loss(a, b) + spread + 0.1 * shared
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(loss.item())
""",
    links=("https://arxiv.org/abs/2011.10566", "https://arxiv.org/abs/2105.04906"),
    explains=("NUM003", "MOD003"),
    needs=("modules",),
)
