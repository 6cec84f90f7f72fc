"""NUM002: gradients grow by orders of magnitude, and the loss with them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from statistics import median

from torchward.facts import Optimizer, Run, Training
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

MINIMUM_SAMPLES = 5
GROWTH = 1e3
"""Largest sampled norm over the median of the first ones. AutoTrainer (ICSE 2021) speaks when layers differ by 70, or
at NaN; TheDeepChecker at a mean size above 1e6. Healthy runs here stay below 100."""
LARGE = 10.0
"""... and at least this many times the norm of the weights: in reinforcement learning gradients may grow from almost
nothing, as the targets do."""
OVERFLOWS = 0.8
"""Share of the sampled steps with infinite gradients from which on they are no accident of single batches."""
HUGE = 1e4
"""Gradient norm relative to the weights' norm that no sensible start has; only with a loss that then fails."""


STEEP = 1e4
"""|gradient| |weights| / loss: its inverse is the part of their size by which moving the weights changes the loss by as
much as it is, as far as the gradient tells. It was at most 250 at the start of some sixty healthy trainings, at most 3,300
in others with other faults, and 1.8e5 in a recurrent network whose gradients exploded from the first step on."""
FIRST = 20
NOT_LEARNED = 0.25
"""Share of the first loss that is still there at the end; of squared errors the mean alone takes half, or more."""


def _losses(run: Run, training: Training) -> list[float]:
    """Values of the one loss of a training, NaN and infinities included."""
    stream = next((one for one in run.streams if one.index == training.losses[0]), None)
    return [] if stream is None else list(stream.values.between(training.first_step, training.last_step).values)


def _failed(values: list[float]) -> bool:
    """The loss ended not finite, or above where it began."""
    if len(values) < 10:
        return any(not math.isfinite(value) for value in values)
    if any(not math.isfinite(value) for value in values[-5:]):
        return True
    finite = [value for value in values if math.isfinite(value)]
    first, last = median(finite[: max(3, len(finite) // 20)]), median(finite[-max(5, len(finite) // 10) :])
    return last > first


def _weights(run: Run, optimizer: Optimizer) -> float:
    own = [p.weight_norm.values[0] for p in run.parameters if optimizer.index in p.optimizers and p.weight_norm]
    return math.sqrt(sum(norm * norm for norm in own if math.isfinite(norm)))


def _beyond_numbers(optimizer: Optimizer, values: list[float]) -> bool:
    """The gradients overflow at nearly every step, though the loss itself does not (so nothing else is said of it)."""
    norms = optimizer.gradient_norm.values
    scaled = optimizer.step_scaled or optimizer.scaler_calls  # a scale that is found by trial overflows on purpose
    over = sum(math.isinf(norm) for norm in norms)
    return not scaled and len(norms) >= MINIMUM_SAMPLES and over >= OVERFLOWS * len(norms) and math.isfinite(values[-1])


def _overflowing(run: Run, optimizer: Optimizer, values: list[float]) -> Finding:
    series = optimizer.gradient_norm
    largest = max(
        (one for one in run.parameters if optimizer.index in one.optimizers and one.grad_norm),
        key=lambda one: max(one.grad_norm.values),
        default=None,
    )
    name = largest.name if largest is not None else ""
    return Finding(
        "NUM002",
        data={
            "start": series.values[0],
            "largest": math.inf,
            "step": next(step for step, norm in zip(series.steps, series.values, strict=True) if math.isinf(norm)),
            "weights": _weights(run, optimizer),
            "parameter": name,
            "lr": optimizer.lr.values[-1] if len(optimizer.lr) else 0.0,
            "loss_start": values[0],
            "loss_end": values[-1],
        },
        place=at(optimizer.site, series, parameter=name),
        confidence=Confidence.CERTAIN,
    )


def _steep(run: Run, training: Training, optimizer: Optimizer) -> bool:
    """From the start on, gradients are out of all proportion to loss and weights, and next to nothing was learned."""
    stream = next(one for one in run.streams if one.index == training.losses[0])
    losses = stream.values.between(training.first_step, training.last_step)
    first, last = list(losses.values[:FIRST]), list(losses.values[-FIRST:])
    if not run.ended or len(losses) < 5 * FIRST or not all(map(math.isfinite, (*first, *last))):
        return False
    at_step, weights = dict(zip(losses.steps, losses.values, strict=True)), _weights(run, optimizer)
    series = optimizer.gradient_norm.between(training.first_step, training.last_step)
    ratios = [
        norm * weights / loss
        for step, norm in zip(series.steps, series.values, strict=True)
        if math.isfinite(norm) and (loss := at_step.get(step, 0.0)) > 0
    ][:FIRST]
    return len(ratios) >= FIRST and median(ratios) > STEEP and median(last) > NOT_LEARNED * median(first)


def check(run: Run) -> Iterator[Finding]:
    for training in run.trainings:
        if training.adversarial or len(training.losses) != 1:
            continue
        values = _losses(run, training)
        if not values:
            continue
        failed = _failed(values)
        for optimizer in run.optimizers:
            if optimizer.index not in training.optimizers or optimizer.kind == "LBFGS":
                continue
            series = optimizer.gradient_norm
            steep = _steep(run, training, optimizer)
            if not failed and not steep:
                if _beyond_numbers(optimizer, values):
                    yield _overflowing(run, optimizer, values)
                continue
            norms = [
                (step, norm) for step, norm in zip(series.steps, series.values, strict=True) if math.isfinite(norm)
            ]
            if not norms or (len(norms) < MINIMUM_SAMPLES and len(norms) == len(series)):
                continue
            start = median(norm for _, norm in norms[: max(1, min(5, len(norms) // 2))])
            step, largest = max(norms, key=lambda pair: pair[1])
            weights = _weights(run, optimizer)
            grown = start > 0 and largest > max(GROWTH * start, LARGE * weights)
            huge = weights > 0 and start > HUGE * weights
            if not grown and not huge and not steep:
                continue
            begin = next((at_step for at_step, norm in norms if norm > 10 * start), step) if grown else norms[0][0]
            site = optimizer.site
            steepest = max(
                (
                    (max(finite), parameter.name)
                    for parameter in run.parameters
                    if optimizer.index in parameter.optimizers
                    and (finite := [norm for norm in parameter.grad_norm.values if math.isfinite(norm)])
                ),
                default=(0.0, ""),
            )
            yield Finding(
                "NUM002",
                data={
                    "start": start,
                    "largest": largest,
                    "step": step,
                    "weights": weights,
                    "parameter": steepest[1],
                    "lr": optimizer.lr.values[-1] if len(optimizer.lr) else 0.0,
                    "loss_start": values[0],
                    "loss_end": values[-1],
                },
                place=at(site, series.between(begin, norms[-1][0]), parameter=steepest[1]),
                # Of weights that no step has changed yet, their size alone is the cause.
                confidence=Confidence.CERTAIN if huge else Confidence.LIKELY,
            )


RULE = Rule(
    code="NUM002",
    name="gradients-exploding",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "The gradient norm is {largest} at step {step} ({start} at the start; the weights have {weights}); the loss went "
        "from {loss_start} to {loss_end}.",
        "第 {step} 步的梯度范数为 {largest}（开始时为 {start}，权重的范数为 {weights}）；"
        "损失从 {loss_start} 变为 {loss_end}。",
    ),
    why=Text(
        "With gradients of this size every step throws the weights far away from where they were useful, until they "
        "overflow. It comes from weights that are too large at the start, from products over many layers or time "
        "steps, "
        "or from a learning rate that is too high.",
        "梯度大到这种程度时，每一步都会把权重甩离有用的区域，直到溢出。原因可能是初始权重过大、"
        "跨越许多层或时间步的连乘，或者学习率过高。",
    ),
    fix=Text(
        "Use default or `nn.init.orthogonal_` initialisation and normalisation layers, call "
        "`torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)` between `backward()` and `step()`, and lower the "
        "learning rate ({lr}) by 10.",
        "使用默认或 `nn.init.orthogonal_` 初始化并加入归一化层，在 `backward()` 与 `step()` 之间调用 "
        "`torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)`，并把学习率（{lr}）调小到十分之一。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)


class Recurrent(nn.Module):
    def __init__(self, size=16):
        super().__init__()
        self.inward = nn.Linear(2, size)
        self.again = nn.Linear(size, size)
        self.out = nn.Linear(size, 1)
        nn.init.normal_(self.again.weight, std=0.45)

    def forward(self, x):
        state = torch.zeros(x.shape[0], 16)
        for moment in x.unbind(1):
            state = torch.relu(self.inward(moment) + self.again(state))
        return self.out(state).squeeze(1)


model = Recurrent()
optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
for step in range(150):
    x = torch.randn(32, 24, 2)
    y = x[:, -4:, 0].sum(1)
    loss = (model(x) - y).square().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 30 == 0:
        print(step, loss.item())
""",
    good="""\
import torch
from torch import nn

torch.manual_seed(0)


class Recurrent(nn.Module):
    def __init__(self, size=16):
        super().__init__()
        self.inward = nn.Linear(2, size)
        self.again = nn.Linear(size, size)
        self.out = nn.Linear(size, 1)
        nn.init.orthogonal_(self.again.weight)

    def forward(self, x):
        state = torch.zeros(x.shape[0], 16)
        for moment in x.unbind(1):
            state = torch.relu(self.inward(moment) + self.again(state))
        return self.out(state).squeeze(1)


model = Recurrent()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
for step in range(150):
    x = torch.randn(32, 24, 2)
    y = x[:, -4:, 0].sum(1)
    loss = (model(x) - y).square().mean()
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    if step % 30 == 0:
        print(step, loss.item())
""",
    links=(
        "https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.clip_grad_norm_.html",
        "https://arxiv.org/abs/1211.5063",
    ),
    explains=("OPT007", "NUM001", "MOD003", "MOD004", "MOD010", "MOD011", "TRN001", "TRN003"),
    needs=("parameters",),
)
