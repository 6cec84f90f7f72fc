"""MOD005: all neurons of a layer stay the same, since they began the same."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from torchward.facts import Parameter, Run, Series
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

MINIMUM_SAMPLES = 5
SAME = 1e-4
"""Relative spread of the weights over output units that counts as none. Random layers have about 2; units that are
trained alike stay equal but for rounding, which leaves less than 1e-5 over the first sampled steps."""
OF_UPDATES = 0.02
"""... and as a share of a typical update: rows that merely began the same (a zero-initialised output layer, scales
that start at 1) get different updates, and lie as far apart as these within a few steps, however slow the training."""


def check(run: Run) -> Iterator[Finding]:
    loose = [one for one in run.parameters if one.model is None and one.optimizers and len(one.shape) == 2]
    found: list[tuple[Parameter, Series, int]] = []
    for parameter in run.parameters:
        sides = [(parameter.row_spread, parameter.shape[0] if parameter.shape else 0)]
        if parameter.model is None:
            if parameter not in loose or not any(_follow(one, parameter) or _follow(parameter, one) for one in loose):
                continue  # no network
            sides.insert(0, (parameter.column_spread, parameter.shape[1]))
        same = next((side for side in sides if _symmetric(parameter, *side)), None)
        if same is not None:
            found.append((parameter, *same))
    zeros = [parameter for parameter, _, _ in found if max(parameter.weight_norm.values, default=0.0) == 0]
    if not found or (len(found) == len(zeros) == 1):
        return  # One layer of zeros may be a branch that is closed on purpose.
    first, spread, units = found[0]
    model = next((model for model in run.models if model.index == first.model), None)
    site = model.site if model is not None else None
    yield Finding(
        "MOD005",
        data={
            "layers": tuple(parameter.name for parameter, _, _ in found[:8]),
            "count": len(found),
            "parameter": first.name,
            "units": units,
            "spread": spread.values[-1],
            "step": spread.steps[-1],
        },
        place=at(site, spread, first.module, first.name),
        confidence=Confidence.CERTAIN if first.model is not None else Confidence.LIKELY,
    )


def _follow(one: Parameter, other: Parameter) -> bool:
    """Two matrices of one optimizer fit as layers, one behind the other: n times h, and h times k."""
    fits = one.shape != other.shape and one.shape[1] == other.shape[0] >= 2
    return fits and bool(set(one.optimizers) & set(other.optimizers))


def _symmetric(parameter: Parameter, series: Series, units: int) -> bool:
    spread = series.values
    if len(spread) < MINIMUM_SAMPLES or not parameter.requires_grad:
        return False
    if units < 2 or parameter.numel < 2 * units:
        return False  # a scale per channel may well be the same for all
    if not all(value <= SAME for value in spread):  # NaN is not the same either
        return False
    # Gradients that come later (of an adapter for the next task) are no reason to have moved by then.
    gradients = parameter.grad_norm.between(0, series.steps[-1]).values
    trained = [norm for norm in gradients[1:] if norm > 0]
    # All weights 0: then the gradients are 0 as well, and the layer cannot even move. Without any it is at rest.
    stuck = max(parameter.weight_norm.values, default=1.0) == 0 and len(gradients) > 0
    moved = median(parameter.update_ratio.values[: len(spread)]) if len(parameter.update_ratio) else 0.0
    return stuck or (bool(trained) and spread[-1] <= OF_UPDATES * moved)


RULE = Rule(
    code="MOD005",
    name="symmetric-neurons",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "All {units} neurons of `{parameter}` still hold the same weights at step {step} (in all: {layers}).",
        "到第 {step} 步，`{parameter}` 的 {units} 个神经元的权重仍然完全相同（全部涉及：{layers}）。",
    ),
    why=Text(
        "Neurons that start equal compute the same, get the same gradient and stay equal forever, so a layer of "
        "{units} works like a single neuron.",
        "初值相同的神经元计算结果相同、梯度相同，因此永远相同：有 {units} 个神经元的层只相当于一个神经元。",
    ),
    fix=Text(
        "Initialise `{parameter}` at random: leave out the constant initialisation, or use "
        "`nn.init.kaiming_uniform_(layer.weight)`; only biases may start at a constant.",
        "用随机值初始化 `{parameter}`：去掉常数初始化，或改用 `nn.init.kaiming_uniform_(layer.weight)`；"
        "只有偏置可以用常数初始化。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(3)


def init(module):
    if isinstance(module, nn.Linear):
        nn.init.constant_(module.weight, 0.05)
        nn.init.zeros_(module.bias)


model = nn.Sequential(nn.Linear(6, 24), nn.Tanh(), nn.Linear(24, 24), nn.Tanh(), nn.Linear(24, 3))
model.apply(init)
data = torch.randn(900, 6)
label = (data[:, :3] ** 2).argmax(1)
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
for step in range(300):
    at = torch.randint(0, 900, (90,))
    loss = nn.CrossEntropyLoss()(model(data[at]), label[at])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(loss.item())
""",
    good="""\
import torch
from torch import nn

torch.manual_seed(3)


def init(module):
    if isinstance(module, nn.Linear):
        nn.init.xavier_uniform_(module.weight)
        nn.init.zeros_(module.bias)


model = nn.Sequential(nn.Linear(6, 24), nn.Tanh(), nn.Linear(24, 24), nn.Tanh(), nn.Linear(24, 3))
model.apply(init)
data = torch.randn(900, 6)
label = (data[:, :3] ** 2).argmax(1)
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
for step in range(300):
    at = torch.randint(0, 900, (90,))
    loss = nn.CrossEntropyLoss()(model(data[at]), label[at])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(loss.item())
""",
    links=(
        "https://docs.pytorch.org/docs/stable/nn.init.html",
        "https://www.deeplearningbook.org/contents/optimization.html",
    ),
    explains=("DAT006", "MOD003", "MOD004", "MOD010", "MOD011", "NUM003", "TRN001", "TRN003", "TRN004"),
    needs=("parameters",),
)
