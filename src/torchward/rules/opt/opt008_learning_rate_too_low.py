"""OPT008: steps so small that the weights stay what they were."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at
from torchward.rules._progress import progress
from torchward.rules.opt._updates import is_rising, leading, ratios, trained_before

RATIO = 1e-4
"""Update-to-weight ratio below which learning is too slow: TheDeepChecker's bound (log10 < -4; Ben Braiek & Khomh,
TOSEM 2022). Healthy training is near 1e-3."""
TINY = 1e-5
"""Bound of DeepDiagnosis (ICSE 2022) and torchmortem: beyond doubt."""
WAY = 0.02
"""Longest way that the weights can have gone in the whole run, as a share of their size. Long runs with small steps go
further and are left alone."""
SHORT, STEADY = 0.1, 2e-3
"""With single steps of a usual size, up to the second, the weights are still what they began as on such a way, and
the loss is that of chance. Measured: 0.07 of a classifier that was trained from random weights with a rate for fine-tuning;
no other of 1,000 recorded runs was at chance on a way so short without a larger fault."""
TEN = 10.0
USUAL = 1e-3
"""The ratio that the suggested rate would give."""
HIGHEST = 10.0
"""A rate beyond this would be needed: then the gradients are too small, not the rate."""
POLICY_SAMPLES = 5
COVERED = 0.5
"""Share of the run that the samples must reach, so that a warm-up is not taken for the whole."""


def check(run: Run) -> Iterator[Finding]:
    if not run.ended:
        return
    for training in run.trainings:
        far = progress(run, training)
        optimizer = leading(run, training)
        # What a policy's loss comes to depends on the baseline, not on how far the policy has come.
        policy = far is not None and far.stream.weighed_choices >= POLICY_SAMPLES
        if far is None or (far.fell and not policy) or optimizer is None or trained_before(run, optimizer, far):
            continue
        moved = ratios(run, optimizer).between(training.first_step, training.last_step)
        steps = training.last_step - training.first_step + 1
        if len(moved) < 5 or moved.steps[-1] - training.first_step < COVERED * steps or is_rising(optimizer):
            continue
        largest, mean = max(moved.values), sum(moved.values) / len(moved)
        rate = max(optimizer.lr.values, default=0.0)
        if not mean > 0 or rate <= 0:
            continue
        slow = largest <= RATIO and mean * steps <= WAY and rate * USUAL / mean <= HIGHEST
        short = far.at_chance and largest <= STEADY and mean * steps <= SHORT and not policy
        if not slow and not short:
            continue
        yield Finding(
            "OPT008",
            {
                "optimizer": optimizer.kind,
                "lr": rate,
                "ratio": mean,
                "way": mean * steps,
                "steps": steps,
                "start": far.start,
                "end": far.end,
                "try_lr": _round(rate * USUAL / mean if slow else TEN * rate),
            },
            at(optimizer.made or optimizer.site, first=training.first_step),
            Confidence.LIKELY if largest <= TINY else Confidence.POSSIBLE,
            None if slow else Severity.HINT,
        )


def _round(value: float) -> float:
    return float(f"{value:.0e}")


RULE = Rule(
    code="OPT008",
    name="learning-rate-too-low",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "With lr={lr} a step of the {optimizer} changes the weights by {ratio} of their size, at most {way:.2%} in all "
        "{steps} steps; the loss went from {start} to {end}.",
        "lr={lr} 时，{optimizer} 的一步只改变权重大小的 {ratio}，{steps} 步合计最多 {way:.2%}；损失从 {start} 变为 "
        "{end}。",
    ),
    why=Text(
        "Weights that hardly move keep the random values that they began with: the model is as good as untrained, and "
        "would need a hundred times as many steps.",
        "权重几乎不动，就一直停留在随机初值：模型相当于没有训练，按这个速度需要上百倍的步数。",
    ),
    fix=Text(
        "Raise the rate until a step changes weights by about a thousandth of their size, here "
        "`{optimizer}(..., lr={try_lr})`. If a scheduler sets the rate, look at the rate that it gives.",
        "提高学习率，使每一步大约改变权重大小的千分之一，这里可用 `{optimizer}(..., lr={try_lr})`。"
        "如果学习率由调度器控制，请检查它实际给出的值。",
    ),
    bad="""\
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits

torch.manual_seed(0)
digits = load_digits()
x = torch.tensor(digits.data, dtype=torch.float32) / 16
y = torch.tensor(digits.target)

layers = [torch.nn.Linear(64, 96), torch.nn.ReLU(), torch.nn.Linear(96, 10)]
net = torch.nn.Sequential(*layers)
optimizer = torch.optim.Adam(net.parameters(), lr=1e-7)

for step in range(300):
    batch = torch.randint(0, len(x), (64,))
    loss = F.cross_entropy(net(x[batch]), y[batch])
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
    if step % 100 == 0:
        print(step, loss.item())
""",
    good="""\
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits

torch.manual_seed(0)
digits = load_digits()
x = torch.tensor(digits.data, dtype=torch.float32) / 16
y = torch.tensor(digits.target)

layers = [torch.nn.Linear(64, 96), torch.nn.ReLU(), torch.nn.Linear(96, 10)]
net = torch.nn.Sequential(*layers)
optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)

for step in range(300):
    batch = torch.randint(0, len(x), (64,))
    loss = F.cross_entropy(net(x[batch]), y[batch])
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
    if step % 100 == 0:
        print(step, loss.item())
""",
    links=(
        "https://docs.pytorch.org/docs/stable/optim.html#per-parameter-options",
        "https://cs231n.github.io/neural-networks-3/#ratio",
    ),
    explains=("TRN*",),
    needs=("parameters", "optimizer"),
)
