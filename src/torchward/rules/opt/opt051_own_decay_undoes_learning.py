"""OPT051: a decay of the weights that the program makes itself, and that takes away what the loss builds up."""

from __future__ import annotations

import math
from collections.abc import Iterator
from statistics import median
from typing import NamedTuple

from torchward.facts import LossStream, Optimizer, OwnDecay, Parameter, Run, Series, Training
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at
from torchward.rules._progress import FALL, is_range_test, progress
from torchward.rules.opt._updates import leading

SHRUNK = 0.3
EXPLAINED = 0.6
NOT_LEARNED = 0.9
"""As for the optimizer's own decay, see OPT014."""
OUTWEIGHS = 0.7
"""The pull is this share of the whole gradient, of which it is a part itself: as large as all the rest."""
MEMORY = 30
SPANS = 5
"""See OPT050: what a step takes, and how often it takes all, for which too little is left of what was learned."""
LEARNED = 0.5
"""A loss that had come down to this share of its first value ..."""
LOST = 0.5
"""... and then lost this share of its fall again was undone: noise, and schedules that end, leave nine tenths."""
MELTED = 0.7
"""What is left by then of the weights as they were at the best loss, at most, in half of the matrices."""
OFTEN = 0.5
STEADY = 0.05
SAMPLES = 10
STEPS = 100


class Harm(NamedTuple):
    since: int
    before: float
    end: float
    shrunk: list[tuple[Parameter, float]]
    sure: bool


def check(run: Run) -> Iterator[Finding]:
    for training in run.trainings:
        optimizer = leading(run, training)
        streams = [stream for stream in run.streams if stream.index in training.losses]
        if optimizer is None or training.adversarial or len(streams) != 1 or is_range_test(run, training):
            continue
        for decay in run.own_decays:
            if not _belongs(decay, optimizer, streams[0]) or decay.every < OFTEN or not _steady(optimizer, decay):
                continue
            harm = _harm(run, training, optimizer, streams[0], decay)
            if harm is not None:
                yield _finding(optimizer, streams[0], decay, harm)
                break


def _steady(optimizer: Optimizer, decay: OwnDecay) -> bool:
    """A decay has one factor, perhaps times the rate. What sets norms, or turns gradients, has another each step."""
    if decay.stream is not None:
        return True
    rates = dict(zip(optimizer.lr.steps, optimizer.lr.values, strict=True))
    strengths = list(zip(decay.strength.steps, decay.strength.values, strict=True))
    scaled = [value / rates[step] for step, value in strengths if rates.get(step, 0) > 0]
    return any(
        len(found) >= SAMPLES and all(abs(value - median(found)) <= STEADY * median(found) for value in found)
        for found in (list(decay.strength.values), scaled)
    )


def _belongs(decay: OwnDecay, optimizer: Optimizer, stream: LossStream) -> bool:
    return optimizer.index == decay.optimizer if decay.optimizer is not None else stream.index == decay.stream


def _harm(run: Run, training: Training, optimizer: Optimizer, stream: LossStream, decay: OwnDecay) -> Harm | None:
    losses = (decay.rest or stream.values).between(training.first_step, training.last_step)
    smooth, far = _smooth(losses), progress(run, training)
    watched = [
        parameter
        for parameter in run.parameters
        if parameter.index in decay.parameters and len(parameter.weight_norm) >= SAMPLES
    ]
    if training.last_step - training.first_step < STEPS or len(smooth) < SAMPLES or not watched:
        return None
    part = max(1, len(smooth) // 5)
    start, end = max(smooth.values[: max(1, part // 2)]), median(smooth.values[-part:])
    best, where = min((value, step) for step, value in zip(smooth.steps, smooth.values, strict=True))
    first = training.first_step
    if best <= LEARNED * start and end - best >= LOST * (start - best):
        melted = _shrunk(watched, where, MELTED)
        if 2 * len(melted) >= len(watched) and _takes(run, optimizer, decay, watched, where, training.last_step):
            return Harm(where, best, end, melted, True)
    shrunk = _shrunk(watched, first, SHRUNK)
    level = far.level if far is not None and far.level is not None else math.inf
    if (end >= NOT_LEARNED * start or end >= level - FALL * abs(level)) and 2 * len(shrunk) >= len(watched):
        fresh = not any(parameter.loaded or parameter.weight_norm.steps[0] < first for parameter in watched)
        if fresh and _takes(run, optimizer, decay, watched, first, training.last_step):
            return Harm(first, start, end, shrunk, True)
    taken = _each_step(optimizer, decay)
    if taken * MEMORY >= 1 and taken * (training.last_step - first) >= SPANS:
        return Harm(first, start, end, _shrunk(watched, first, math.inf), False)
    return None


def _smooth(losses: Series) -> Series:
    """Medians of stretches: forty of them, or of five values each."""
    pairs = [(s, v) for s, v in zip(losses.steps, losses.values, strict=True) if math.isfinite(v)]
    size = max(5, len(pairs) // 40)
    parts = [pairs[n : n + size] for n in range(0, len(pairs) - size + 1, size)]
    return Series([part[-1][0] for part in parts], [median(value for _, value in part) for part in parts])


def _shrunk(watched: list[Parameter], since: int, limit: float) -> list[tuple[Parameter, float]]:
    """Weights whose norm is now this share, or less, of what it was."""
    found = []
    for parameter in watched:
        norms = parameter.weight_norm
        at_first = next((v for s, v in zip(norms.steps, norms.values, strict=True) if s >= since), math.nan)
        share = norms.values[-1] / at_first if at_first > 0 else math.nan
        if share <= limit:
            found.append((parameter, share))
    return found


def _takes(run: Run, optimizer: Optimizer, decay: OwnDecay, watched: list[Parameter], since: int, last: int) -> bool:
    """The decay alone would have taken as much, or it outweighs the gradient where that cannot be told."""
    taken = _each_step(optimizer, decay)
    if taken:
        return math.exp(-taken * decay.every * (last - since + 1)) <= EXPLAINED
    strength, found = median(decay.strength.values), []
    for parameter in watched:
        gradients = dict(zip(parameter.grad_norm.steps, parameter.grad_norm.values, strict=True))
        for step, norm in zip(parameter.weight_norm.steps, parameter.weight_norm.values, strict=True):
            if step >= since and gradients.get(step, 0) > 0:
                found.append(strength * norm / gradients[step])
    return bool(found) and median(found) >= OUTWEIGHS


def _each_step(optimizer: Optimizer, decay: OwnDecay) -> float:
    """Share of every weight that a typical step takes; 0 where an adaptive optimizer mixes it into its gradient."""
    strength = median(decay.strength.values)
    if decay.kind == "weights":
        return strength
    if optimizer.kind != "SGD" or not optimizer.lr.values:
        return 0.0
    return median(optimizer.lr.values) * strength / max(0.01, 1 - optimizer.momentum)


def _finding(optimizer: Optimizer, stream: LossStream, decay: OwnDecay, harm: Harm) -> Finding:
    strength = median(decay.strength.values)
    written = {
        "weights": f"weight.mul_(1 - {strength:.3g})",
        "gradients": f"weight.grad.add_(weight, alpha={strength:.3g})",
        "squares": f"loss + {strength / 2:.3g} * weight.square().sum()",
        "sizes": "loss + ... * weight.abs().sum()",
        "norm": "loss + ... * weight.norm()",
    }[decay.kind]
    in_loss = decay.stream is not None
    return Finding(
        "OPT051",
        {
            "written": written,
            "strength": strength,
            "count": len(harm.shrunk),
            "layers": tuple(dict.fromkeys(parameter.name for parameter, _ in harm.shrunk))[:8],
            "share": median(share for _, share in harm.shrunk),
            "since": harm.since,
            "before": harm.before,
            "end": harm.end,
        },
        at(stream.site if in_loss else optimizer.site or optimizer.made, decay.strength),
        Confidence.CERTAIN if harm.sure else Confidence.LIKELY,
        None if harm.sure else Severity.WARNING,
    )


RULE = Rule(
    code="OPT051",
    name="own-decay-undoes-learning",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "The program itself pulls its weights towards zero at every step, as `{written}` does: {count} weight(s) "
        "({layers}) have {share:.1%} of their norm of step {since}, and the loss (without penalty) went from {before} "
        "then to {end}.",
        "程序自己在每一步都把权重拉向零，相当于 `{written}`：{count} 个权重（{layers}）的范数只有第 {since} 步时的 "
        "{share:.1%}，损失（不含惩罚项）从当时的 {before} 变为 {end}。",
    ),
    why=Text(
        "What is taken from the weights at every step must be less than the gradient gives back. A factor that does not "
        "go down with the learning rate takes more and more of it as the rate falls, and the weights forget what they "
        "had learned; a penalty that outweighs the loss never lets them learn.",
        "每一步从权重中减去的部分必须少于梯度补回的部分。如果衰减系数不随学习率一起减小，学习率下降时衰减就会逐渐占上风，"
        "权重会忘掉已经学到的内容；如果惩罚项超过损失本身，权重就根本学不到东西。",
    ),
    fix=Text(
        "Leave the decay to the optimizer, which scales it with the rate: `torch.optim.AdamW(..., weight_decay=1e-2)`, or "
        "multiply your own by the rate: `p.mul_(1 - group['lr'] * 0.01)`. For a penalty begin with a factor of 1e-4 or less.",
        "把衰减交给优化器，它会随学习率一起缩放：`torch.optim.AdamW(..., weight_decay=1e-2)`；或者把自己的系数乘以学习率："
        "`p.mul_(1 - group['lr'] * 0.01)`。惩罚项的系数可以从 1e-4 或更小开始。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(1600, 20)
y = (x @ torch.randn(20, 5)).argmax(1)
model = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 5))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=30)
for epoch in range(30):
    for rows in torch.randperm(len(x)).split(32):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            for p in model.parameters():
                p.mul_(1 - 0.01)
    schedule.step()
    print(epoch, loss.item())
""",
    good="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(1600, 20)
y = (x @ torch.randn(20, 5)).argmax(1)
model = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 5))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=30)
for epoch in range(30):
    for rows in torch.randperm(len(x)).split(32):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            for p in model.parameters():
                p.mul_(1 - 0.01 * optimizer.param_groups[0]["lr"])
    schedule.step()
    print(epoch, loss.item())
""",
    links=(
        "https://arxiv.org/abs/1711.05101",
        "https://docs.pytorch.org/docs/stable/generated/torch.optim.AdamW.html",
    ),
    explains=("OPT008", "NUM003", "MOD003", "MOD010", "LOS021", "TRN*"),
    needs=("parameters", "optimizer"),
)
