"""OPT002: the optimizer holds parameters of a model that is not the one being trained."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from torchward.facts import Optimizer, Parameter, Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

SAMPLES = 3
"""Sampled steps of the optimizer, its last ones, at which a stale parameter had no gradient."""
WINDOW = 8
"""... among which the parameters that are trained instead of it had one, at least twice."""
NAMED = 8


def check(run: Run) -> Iterator[Finding]:
    known = {parameter.index: parameter for parameter in run.parameters}
    for optimizer in run.optimizers:
        sampled = optimizer.lr.steps
        if len(sampled) < SAMPLES:
            continue
        first = sampled[-SAMPLES]
        held = [known[i] for i in optimizer.parameters if i in known and known[i].requires_grad]
        idle = [parameter for parameter in held if not _gradients(parameter, first)]
        busy = {parameter.model for parameter in run.parameters if _gradients(parameter, first)}
        # A parameter that the model merely did not use lately belongs to a model that is trained: a branch, no bug.
        stale = [parameter for parameter in idle if parameter.model is None or parameter.model not in busy]
        whole = bool(held) and len(stale) == len(held)
        orphans = [parameter for parameter in run.parameters if _is_orphan(parameter, sampled[-WINDOW:], whole)]
        if stale and orphans:
            yield _finding(run, optimizer, stale, orphans, whole)


def _gradients(parameter: Parameter, first: int) -> int:
    """Sampled steps from `first` on at which the parameter had a gradient."""
    return len(parameter.grad_norm.between(first, 1 << 62))


def _is_orphan(parameter: Parameter, window: Sequence[int], whole: bool) -> bool:
    """Trained, as far as gradients go, but held by no optimizer. Loaded ones count only if nothing else is trained."""
    return (
        parameter.requires_grad
        and not parameter.optimizers
        and not parameter.weight_norm.steps
        and not parameter.hidden_module
        and (whole or not parameter.loaded)
        and _gradients(parameter, window[0]) >= 2
        and _gradients(parameter, window[-SAMPLES]) >= 1
    )


def _finding(run: Run, optimizer: Optimizer, stale: list[Parameter], orphans: list[Parameter], whole: bool) -> Finding:
    models = {model.index: model.name for model in run.models}
    owner = next((models[p.model] for p in orphans if p.model in models), "model")
    names = tuple(dict.fromkeys(parameter.module or parameter.name for parameter in orphans))
    shapes = {parameter.shape for parameter in orphans}
    last = max((p.grad_norm.steps[-1] for p in stale if p.grad_norm.steps), default=-1)
    return Finding(
        "OPT002",
        {
            "optimizer": optimizer.kind,
            "model": owner,
            "stale": len(stale),
            "held": len(optimizer.parameters),
            "orphans": len(orphans),
            "layers": names[:NAMED],
            "samples": sum(step > last for step in optimizer.lr.steps),
        },
        at(optimizer.made or optimizer.site, module=names[0], parameter=orphans[0].name, first=max(0, last)),
        Confidence.CERTAIN if whole or any(p.shape in shapes for p in stale) else Confidence.LIKELY,
    )


RULE = Rule(
    code="OPT002",
    name="optimizer-holds-unused-parameters",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "{stale} of the {held} parameters that the {optimizer} holds belong to no model in use and had no gradient at "
        "the "
        "last {samples} steps looked at; {orphans} parameter(s) of `{model}` ({layers}) had one and are in no "
        "optimizer.",
        "{optimizer} 持有的 {held} 个参数中有 {stale} 个不属于正在使用的模型，在最近检查的 {samples} 步中都没有梯度；"
        "而 `{model}` 的 {orphans} 个参数（{layers}）有梯度，却不在任何优化器中。",
    ),
    why=Text(
        "The optimizer was made for another object: the model or a layer was built, copied or replaced after it. Its "
        "steps change tensors that nobody uses; the ones that compute the loss stay as they were initialised.",
        "优化器是为另一个对象创建的：模型或某一层在它之后又被新建、复制或替换。它更新的是没人使用的张量，"
        "真正参与计算损失的参数一直保持初始值。",
    ),
    fix=Text(
        "Make the optimizer last, after every layer is in its final place: build or load `{model}`, replace its "
        "layers, "
        "and only then `optimizer = torch.optim.{optimizer}({model}.parameters(), ...)`.",
        "最后再创建优化器：先搭建或加载 `{model}`、替换好各层，然后才 "
        "`optimizer = torch.optim.{optimizer}({model}.parameters(), ...)`。",
    ),
    bad="""\
import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(1)
x = torch.randn(800, 12)
y = (x @ torch.randn(12, 5)).argmax(dim=1)


def make_model():
    return nn.Sequential(nn.Linear(12, 48), nn.Tanh(), nn.Linear(48, 5))


model = make_model()
optimizer = torch.optim.SGD(model.parameters(), lr=0.2, momentum=0.9)

# start from a better initialisation
model = make_model()
for layer in model:
    if isinstance(layer, nn.Linear):
        nn.init.xavier_uniform_(layer.weight)

for step in range(250):
    rows = torch.randint(0, 800, (40,))
    loss = F.cross_entropy(model(x[rows]), y[rows])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 50 == 0:
        print(step, loss.item())
""",
    good="""\
import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(1)
x = torch.randn(800, 12)
y = (x @ torch.randn(12, 5)).argmax(dim=1)


def make_model():
    return nn.Sequential(nn.Linear(12, 48), nn.Tanh(), nn.Linear(48, 5))


model = make_model()
for layer in model:
    if isinstance(layer, nn.Linear):
        nn.init.xavier_uniform_(layer.weight)

optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)

for step in range(250):
    rows = torch.randint(0, 800, (40,))
    loss = F.cross_entropy(model(x[rows]), y[rows])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 50 == 0:
        print(step, loss.item())
""",
    links=(
        "https://docs.pytorch.org/docs/stable/optim.html#constructing-it",
        "https://docs.pytorch.org/docs/stable/generated/torch.optim.Optimizer.add_param_group.html",
    ),
    explains=("OPT001", "OPT003", "OPT005", "OPT008", "TRN*"),
    needs=("modules", "parameters", "optimizer"),
)
