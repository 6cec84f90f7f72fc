"""NUM003: gradients shrink from layer to layer on their way to the input."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise
from statistics import median

from torchward.facts import Parameter, Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at
from torchward.rules._progress import Progress, progress

MINIMUM_SAMPLES = 5
MINIMUM_LAYERS = 4
SHRUNK = 1e-3
"""Gradient per weight of the first layer over that of the last. AutoTrainer (ICSE 2021) asks for a ratio below 1e-3;
healthy networks here have more than 0.02."""
FIRST_HALF = 0.03
"""... and that of each layer of the first half: a chain, not one odd layer."""
HALVES = 0.2
"""Median of the first half over that of the second, the last layer left out: it is the way that shrinks them. A
transformer at its start has 0.5 and more, however far its head is above the rest."""


def _chains(run: Run, course: Progress) -> Iterator[tuple[int, list[Parameter]]]:
    """(model, weights that may follow one another) in the order of their registration.

    Where a linear layer does not take what the one before it gives, another chain begins beside it: that of a critic
    beside a policy's.
    """
    for index, layers in _layers(run, course).items():
        chain = layers[:1]
        for before, layer in pairwise(layers):
            if before.module_kind == layer.module_kind == "Linear" and before.shape[0] != layer.shape[1]:
                yield index, chain
                chain = []
            chain.append(layer)
        yield index, chain


def _layers(run: Run, course: Progress) -> dict[int, list[Parameter]]:
    """Weight matrices in the order of their registration, by model."""
    found: dict[int, list[Parameter]] = {}
    for parameter in run.parameters:
        if (
            parameter.model is not None
            and parameter.requires_grad
            and len(parameter.shape) >= 2
            and parameter.module_kind not in ("Embedding", "EmbeddingBag")
            and set(parameter.optimizers) & set(course.training.optimizers)
            and len(parameter.grad_norm) >= MINIMUM_SAMPLES
        ):
            found.setdefault(parameter.model, []).append(parameter)
    return found


def _size(parameter: Parameter) -> float:
    """Typical gradient per weight; zero-initialised neighbours make the first samples odd."""
    values = [value for value in parameter.grad_norm.values[1:] if math.isfinite(value)]
    return median(values) / math.sqrt(parameter.numel) if values else 0.0


def check(run: Run) -> Iterator[Finding]:
    for training in run.trainings:
        course = progress(run, training)
        if course is None or (course.fell and not course.at_chance):
            continue
        for index, layers in _chains(run, course):
            sizes = [_size(layer) for layer in layers]
            if len(layers) < MINIMUM_LAYERS or not sizes[0] or not sizes[-1]:
                continue
            ratio = sizes[0] / sizes[-1]
            if ratio > SHRUNK or max(sizes[: len(sizes) // 2]) > FIRST_HALF * sizes[-1]:
                continue
            inner = sizes[:-1]
            half = len(inner) // 2
            if median(inner[:half]) > HALVES * median(inner[half:]):
                continue
            model = next((model for model in run.models if model.index == index), None)
            site = model.site if model is not None else None
            yield Finding(
                "NUM003",
                data={
                    "layers": len(layers),
                    "first": layers[0].name,
                    "last": layers[-1].name,
                    "first_gradient": sizes[0],
                    "last_gradient": sizes[-1],
                    "ratio": ratio,
                    "per_layer": ratio ** (1 / (len(layers) - 1)),
                },
                place=at(site, layers[0].grad_norm, layers[0].module, layers[0].name),
                confidence=Confidence.LIKELY,
            )


RULE = Rule(
    code="NUM003",
    name="gradients-vanishing",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "Over {layers} layers the gradient per weight shrinks from {last_gradient} at `{last}` to {first_gradient} at "
        "`{first}`, by a factor of {per_layer} per layer.",
        "经过 {layers} 层，每个权重的梯度从 `{last}` 的 {last_gradient} 缩小到 `{first}` 的 {first_gradient}，"
        "平均每层乘以 {per_layer}。",
    ),
    why=Text(
        "The layers near the input hardly learn, and what they pass on stays random. Sigmoid multiplies the gradient "
        "by "
        "at most 0.25 per layer, and small weights shrink it further.",
        "靠近输入的层几乎学不到东西，传给后面的仍是随机特征。sigmoid 每层最多把梯度乘以 0.25，"
        "较小的权重会让它进一步缩小。",
    ),
    fix=Text(
        "Use `nn.ReLU()` or `nn.GELU()` with default initialisation, add `nn.LayerNorm` or `nn.BatchNorm1d` between "
        "the "
        "layers, or residual connections (`x = x + block(x)`).",
        "改用 `nn.ReLU()` 或 `nn.GELU()` 与默认初始化，在层间加入 `nn.LayerNorm` 或 `nn.BatchNorm1d`，"
        "或使用残差连接（`x = x + block(x)`）。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)
layers = []
for i in range(8):
    layers += [nn.Linear(16 if i == 0 else 32, 32), nn.Sigmoid()]
model = nn.Sequential(*layers, nn.Linear(32, 4))

x = torch.randn(2000, 16)
y = (x @ torch.randn(16, 4)).argmax(1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for step in range(300):
    i = torch.randint(0, 2000, (64,))
    loss = nn.functional.cross_entropy(model(x[i]), y[i])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 100 == 0:
        print(step, loss.item())
""",
    good="""\
import torch
from torch import nn

torch.manual_seed(0)
layers = []
for i in range(8):
    layers += [nn.Linear(16 if i == 0 else 32, 32), nn.LayerNorm(32), nn.GELU()]
model = nn.Sequential(*layers, nn.Linear(32, 4))

x = torch.randn(2000, 16)
y = (x @ torch.randn(16, 4)).argmax(1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for step in range(300):
    i = torch.randint(0, 2000, (64,))
    loss = nn.functional.cross_entropy(model(x[i]), y[i])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 100 == 0:
        print(step, loss.item())
""",
    links=("https://proceedings.mlr.press/v9/glorot10a.html", "https://arxiv.org/abs/1512.03385"),
    explains=("MOD010", "MOD011", "NUM012", "TRN001", "TRN003", "TRN004"),
    needs=("parameters",),
)
