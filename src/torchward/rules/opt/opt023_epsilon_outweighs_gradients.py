"""OPT023: an epsilon so large that Adam no longer scales its steps, and the weights hardly move."""

from __future__ import annotations

import math
from collections.abc import Iterator
from statistics import median

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at
from torchward.rules._progress import progress
from torchward.rules.opt._updates import leading, ratios, trained_before

EPSILON = 1e-5
"""A thousand times the default. Larger ones are used on purpose (0.1 and 1 in Inception, 1e-5 in PPO), with rates to
match: then the weights move, and nothing is said."""
TIMES = 10.0
"""Epsilon over the typical size of one gradient element."""
RATIO = 3e-4
WAY = 0.1
"""Update-to-weight ratio, and the way of the whole run as a share of the weights, below which little is learned."""
SAMPLES = 5
LARGE, SMALL = 1e-3, 1e-6
"""An epsilon that would be a usual weight decay, beside a weight decay that would be a usual epsilon: they were given in the
wrong order (AdamW takes `betas, eps, weight_decay`), whatever is learned."""
USUAL_RATE = 1e-2
"""Learning rates of Adam with its usual epsilon are smaller; TensorFlow's advice of 0.1 and 1 for Inception goes with rates
of 0.045 and more."""


def check(run: Run) -> Iterator[Finding]:
    if not run.ended:
        return
    for training in run.trainings:
        far, optimizer = progress(run, training), leading(run, training)
        if far is None or optimizer is None or optimizer.eps is None or optimizer.eps < EPSILON:
            continue
        swapped = optimizer.eps >= LARGE and 0 < optimizer.weight_decay <= SMALL
        # Who wants so large a one on purpose has a rate to match: Adam's steps are then those of SGD with rate / epsilon.
        unscaled = optimizer.eps >= LARGE and optimizer.lr and optimizer.lr.values[0] <= USUAL_RATE
        if far.halved and not (swapped or unscaled):
            continue
        if far.fell and not swapped and trained_before(run, optimizer, far):
            continue  # fine-tuning takes small steps
        size = _gradient_size(run, optimizer.index)
        moved = ratios(run, optimizer).between(training.first_step, training.last_step)
        steps = training.last_step - training.first_step + 1
        if size is None or optimizer.eps < (1.0 if unscaled else TIMES) * size or len(moved) < SAMPLES:
            continue
        ratio = sum(moved.values) / len(moved)
        slow = optimizer.eps >= TIMES * size and ratio <= RATIO and ratio * steps <= WAY and not far.halved
        swapped = swapped and optimizer.eps >= TIMES * size
        if not (slow or swapped or unscaled):
            continue
        yield Finding(
            "OPT023",
            {
                "optimizer": optimizer.kind,
                "eps": optimizer.eps,
                "size": size,
                "times": optimizer.eps / size if size else math.inf,
                "ratio": ratio,
                "start": far.start,
                "end": far.end,
            },
            at(optimizer.made or optimizer.site, first=training.first_step),
            Confidence.LIKELY if slow or swapped else Confidence.POSSIBLE,
            severity=None if slow or swapped else Severity.HINT,
        )


def _gradient_size(run: Run, optimizer: int) -> float | None:
    """Typical root mean square of the gradient, over the parameters that an optimizer holds."""
    sizes = [
        median(finite) / math.sqrt(parameter.numel)
        for parameter in run.parameters
        if optimizer in parameter.optimizers
        and parameter.numel
        and (finite := [norm for norm in parameter.grad_norm.values if math.isfinite(norm) and norm > 0])
    ]
    return median(sizes) if sizes else None


RULE = Rule(
    code="OPT023",
    name="epsilon-outweighs-gradients",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "`{optimizer}` has eps={eps}, {times:.0f} times the typical gradient element ({size}): a step changes the weights "
        "by {ratio} of their size, and the loss went from {start} to {end}.",
        "`{optimizer}` 的 eps={eps}，是典型梯度元素（{size}）的 {times:.0f} 倍：每步只改变权重大小的 {ratio}，"
        "损失从 {start} 变为 {end}。",
    ),
    why=Text(
        "Adam divides by the root of the averaged squares plus epsilon. Where epsilon is the larger part the step is "
        "no longer about as long as the learning rate says, but as many times shorter.",
        "Adam 除以平方均值的平方根与 epsilon 之和。当 epsilon 占主导时，步长不再与学习率相当，而是缩短了相应的倍数。",
    ),
    fix=Text(
        "Leave `eps` at its default, and give arguments by name: the fourth of `torch.optim.{optimizer}(parameters, lr, betas, "
        "eps, weight_decay)` is not the weight decay.",
        "让 `eps` 保持默认值，并按名称传参：`torch.optim.{optimizer}(parameters, lr, betas, eps, weight_decay)` 的第四个参数不是权重衰减。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(800, 10)
y = (x @ torch.randn(10, 4)).argmax(1)
net = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 4))
optimizer = torch.optim.Adam(net.parameters(), lr=1e-3, eps=1.0)
for epoch in range(15):
    for rows in torch.randperm(800).split(50):
        loss = nn.functional.cross_entropy(net(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    good="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(800, 10)
y = (x @ torch.randn(10, 4)).argmax(1)
net = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 4))
optimizer = torch.optim.Adam(net.parameters(), lr=1e-3, eps=1e-8)
for epoch in range(15):
    for rows in torch.randperm(800).split(50):
        loss = nn.functional.cross_entropy(net(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    links=("https://docs.pytorch.org/docs/stable/generated/torch.optim.Adam.html",),
    explains=("NUM012", "OPT008", "TRN*"),
    needs=("parameters", "optimizer"),
)
