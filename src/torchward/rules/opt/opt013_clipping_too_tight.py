"""OPT013: clipping that leaves next to nothing of almost every gradient."""

from __future__ import annotations

import math
from collections.abc import Iterator
from statistics import median

from torchward.facts import Clip, Optimizer, Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at
from torchward.rules._progress import progress
from torchward.rules.opt._updates import leading, ratios

CUT = 0.9
"""Share of the sampled steps at which the threshold was below the gradient's norm."""
KEPT = 0.05
"""What clipping leaves of a typical gradient. Recipes that cut often still leave more: they clip at 1 (GPT-3, LLaMA),
0.5 (PPO) or 0.1, for norms of the same order."""
RATIO = 2e-4
WAY = 0.05
"""Update-to-weight ratio, and the way of the whole run as a share of the weights, below which nothing is learned. They
are measured behind the optimizer: Adam, which undoes any common factor, keeps its usual ratio and is left alone."""
STEPS = 5
SLOWED, SLOW = 0.2, 0.75
"""What SGD is left of a typical gradient, and of the loss at the start, from which on it is worth a hint: it has learned
something, slowly, and its steps are several times shorter than its rate says."""


def check(run: Run) -> Iterator[Finding]:
    for training in run.trainings:
        far = progress(run, training)
        optimizer = leading(run, training)
        if far is None or far.halved or optimizer is None or len(training.optimizers) != 1:
            continue
        moved = ratios(run, optimizer).between(training.first_step, training.last_step)
        steps = training.last_step - training.first_step + 1
        if len(moved) < STEPS:
            continue
        ratio = sum(moved.values) / len(moved)
        stands = median(moved.values) <= RATIO and ratio * steps <= WAY
        slow = optimizer.kind == "SGD" and far.end > SLOW * far.start > 0
        for clip in run.clips:
            left = _left(run, clip, optimizer)
            if left is None or not (stands or slow) or left[1] > (KEPT if stands else SLOWED):
                continue
            if ratio < left[1] * RATIO:
                continue  # without the clipping the steps would be too small as well
            yield Finding(
                "OPT013",
                {
                    "function": clip.kind,
                    "threshold": clip.threshold,
                    "norm": left[0],
                    "kept": left[1],
                    "ratio": ratio,
                    "optimizer": optimizer.kind,
                    "steps": steps,
                    "start": far.start,
                    "end": far.end,
                    "try_threshold": _round(left[0]),
                },
                at(clip.site, first=training.first_step),
                Confidence.LIKELY if stands else Confidence.POSSIBLE,
                None if stands else Severity.HINT,
            )


def _left(run: Run, clip: Clip, optimizer: Optimizer) -> tuple[float, float] | None:
    """(typical norm before clipping, share of it that is left); None if few gradients are cut or it cannot be told."""
    if not clip.threshold > 0 or clip.before_step < STEPS:
        return None
    if clip.kind == "clip_grad_norm_":
        norms = [norm for norm in clip.total_norm.values if math.isfinite(norm)]
        if len(norms) < STEPS or sum(norm > clip.threshold for norm in norms) < CUT * len(norms):
            return None
        return median(norms), clip.threshold / median(norms)
    # Clipping by value: if most elements are cut, all have the size of the threshold. What they had is not known.
    held = set(optimizer.parameters)
    elements = sum(p.numel for p in run.parameters if p.index in held and p.samples_with_grad)
    norms = [norm for norm in optimizer.gradient_norm.values if math.isfinite(norm)]
    full = clip.threshold * math.sqrt(elements)
    if len(norms) < STEPS or median(norms) < 0.5 * full or clip.threshold > 1e-3:
        return None
    return 1.0, min(KEPT, full)


def _round(value: float) -> float:
    return float(f"{value:.0e}")


RULE = Rule(
    code="OPT013",
    name="clipping-too-tight",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "`{function}` with threshold {threshold} cuts nearly every gradient; a step of the {optimizer} then changes "
        "the "
        "weights by {ratio} of their size, and in {steps} steps the loss went from {start} to {end}.",
        "`{function}` 的阈值 {threshold} 几乎裁剪了每一个梯度；{optimizer} 的一步因此只改变权重大小的 {ratio}，"
        "{steps} 步中损失从 {start} 变为 {end}。",
    ),
    why=Text(
        "Clipping should catch rare outliers. Where it cuts every step, the steps have the length of the threshold, "
        "whatever the gradient says, and here that is too short to learn much.",
        "裁剪应当只处理少数异常梯度。如果每一步都被裁剪，步长就由阈值决定而与梯度无关，而这里的步长小到学不到多少东西。",
    ),
    fix=Text(
        "Raise the threshold to the size of ordinary gradients, here about "
        "`torch.nn.utils.clip_grad_norm_(parameters, {try_threshold})`, or leave clipping out.",
        "把阈值提高到正常梯度的大小，这里约为 `torch.nn.utils.clip_grad_norm_(parameters, {try_threshold})`，"
        "或者去掉裁剪。",
    ),
    bad="""\
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
inputs = torch.randn(800, 12)
labels = (inputs @ torch.randn(12, 4)).argmax(1)
loader = DataLoader(TensorDataset(inputs, labels), batch_size=32, shuffle=True)

model = nn.Sequential(nn.Linear(12, 48), nn.ReLU(), nn.Linear(48, 4))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

for epoch in range(10):
    for x, y in loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), max_norm=1e-4)
        optimizer.step()
    print(epoch, loss.item())
""",
    good="""\
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
inputs = torch.randn(800, 12)
labels = (inputs @ torch.randn(12, 4)).argmax(1)
loader = DataLoader(TensorDataset(inputs, labels), batch_size=32, shuffle=True)

model = nn.Sequential(nn.Linear(12, 48), nn.ReLU(), nn.Linear(48, 4))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

for epoch in range(10):
    for x, y in loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), max_norm=1.0)
        optimizer.step()
    print(epoch, loss.item())
""",
    links=("https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.clip_grad_norm_.html",),
    explains=("OPT008", "TRN*"),
    needs=("parameters", "optimizer"),
)
