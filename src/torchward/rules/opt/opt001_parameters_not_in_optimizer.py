"""OPT001: parameters of the trained model that no optimizer holds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from torchward.facts import Model, Optimizer, Parameter, Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

SAMPLES = 3
"""Sampled steps at which a parameter must have had a gradient: one may be chance (lazily made layers)."""
NAMED = 8


def check(run: Run) -> Iterator[Finding]:
    stepping = [optimizer for optimizer in run.optimizers if optimizer.steps]
    if not stepping or run.samples < SAMPLES:
        return
    for model in run.models:
        own = [parameter for parameter in run.parameters if parameter.model == model.index]
        held = [parameter for parameter in own if parameter.optimizers or parameter.weight_norm.steps]
        missing = [parameter for parameter in own if _is_missing(parameter)]
        if not missing or (not held and _is_copy(model, own, run)):
            continue
        optimizer = _nearest(stepping, held)
        names = tuple(dict.fromkeys(parameter.module or parameter.name for parameter in missing))
        yield Finding(
            "OPT001",
            {
                "model": model.name,
                "optimizer": optimizer.kind,
                "count": len(missing),
                "layers": names[:NAMED],
                "weights": sum(parameter.numel for parameter in missing),
                "share": sum(parameter.numel for parameter in missing) / max(1, model.parameters),
            },
            at(optimizer.made or optimizer.site, module=names[0], parameter=missing[0].name),
            # A model of which nothing is held may be left as it is on purpose; one that is held in part hardly.
            Confidence.CERTAIN if held else Confidence.LIKELY,
            None if held else Severity.WARNING,
        )


def _is_missing(parameter: Parameter) -> bool:
    """Fresh, reached by gradients, and never held by an optimizer that stepped (its weights were never followed)."""
    return (
        parameter.requires_grad
        and not parameter.optimizers
        and not parameter.weight_norm.steps
        and not parameter.loaded
        and parameter.samples_with_grad >= SAMPLES
    )


def _is_copy(model: Model, own: Sequence[Parameter], run: Run) -> bool:
    """A model that is trained has the same class and the same shapes: this is its target, teacher or average."""
    shapes = sorted(parameter.shape for parameter in own)
    for other in run.models:
        if other.index != model.index and other.kind == model.kind:
            theirs = [parameter for parameter in run.parameters if parameter.model == other.index]
            if any(p.optimizers for p in theirs) and sorted(p.shape for p in theirs) == shapes:
                return True
    return False


def _nearest(optimizers: Sequence[Optimizer], held: Sequence[Parameter]) -> Optimizer:
    """The optimizer that holds most of the same model, else the first."""
    return max(optimizers, key=lambda one: (sum(one.index in p.optimizers for p in held), -one.index))


RULE = Rule(
    code="OPT001",
    name="parameters-not-in-optimizer",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "{count} parameter(s) of `{model}` ({layers}; {weights} weights, {share:.0%} of the model) receive gradients, "
        "but no optimizer holds them.",
        "`{model}` 的 {count} 个参数（{layers}；共 {weights} 个权重，占模型的 {share:.0%}）能得到梯度，"
        "但没有任何优化器持有它们。",
    ),
    why=Text(
        "Only what an optimizer holds is updated: these weights keep their random initial values for the whole run, "
        "and "
        "the rest of the model has to make do with them.",
        "只有优化器持有的参数才会更新：这些权重在整个训练中保持随机初值，模型的其余部分只能将就它们。",
    ),
    fix=Text(
        "Give the {optimizer} every part that should learn: `{optimizer}([*encoder.parameters(), "
        "*head.parameters()])`, "
        "or `{optimizer}(model.parameters())` after the model is complete. If they are frozen on purpose, say so with "
        "`requires_grad_(False)`, which also saves their gradients.",
        "把所有需要学习的部分都交给 {optimizer}：`{optimizer}([*encoder.parameters(), *head.parameters()])`，"
        "或者在模型搭建完成之后使用 `{optimizer}(model.parameters())`。如果是有意冻结，请用 `requires_grad_(False)` "
        "明确说明，这样也省去计算它们的梯度。",
    ),
    bad="""\
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(20, 32), nn.ReLU(), nn.Linear(32, 16), nn.ReLU())
        self.head = nn.Linear(16, 4)

    def forward(self, x):
        return self.head(self.encoder(x))


inputs = torch.randn(640, 20)
labels = (inputs @ torch.randn(20, 4)).argmax(1)
loader = DataLoader(TensorDataset(inputs, labels), batch_size=32, shuffle=True)

model = Net()
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.head.parameters(), lr=1e-2)
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


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(20, 32), nn.ReLU(), nn.Linear(32, 16), nn.ReLU())
        self.head = nn.Linear(16, 4)

    def forward(self, x):
        return self.head(self.encoder(x))


inputs = torch.randn(640, 20)
labels = (inputs @ torch.randn(20, 4)).argmax(1)
loader = DataLoader(TensorDataset(inputs, labels), batch_size=32, shuffle=True)

model = Net()
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(10):
    for x, y in loader:
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch}: {loss.item():.3f}")
""",
    links=(
        "https://docs.pytorch.org/docs/stable/optim.html#constructing-it",
        "https://docs.pytorch.org/docs/stable/generated/torch.Tensor.requires_grad_.html",
    ),
    explains=("TRN*",),
    needs=("modules", "parameters", "optimizer"),
)
