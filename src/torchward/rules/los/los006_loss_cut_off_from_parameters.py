"""LOS006: between the loss and parameters that are to be trained, the graph is cut: no gradient reaches them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from torchward.facts import LossStream, Model, Parameter, Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

MINIMUM_VALUES = 3
MINIMUM_SAMPLES = 8
"""Samples without any gradient: layers that are skipped at random (stochastic depth, sparse experts) got one by then."""
MOVED = 1e-3
"""Relative change of a norm that is no rounding: the log keeps four digits."""
NAMED = 8


def _moved(one: Parameter) -> bool:
    """Something else than the optimizer changes it: an average of another model, a codebook."""
    norms = one.weight_norm.values
    return bool(norms) and max(norms) - min(norms) > MOVED * max(norms)


def _wanted(run: Run, model: Model) -> list[Parameter]:
    """Parameters that somebody means to train, of modules that were called."""
    return [
        one
        for one in run.parameters
        if one.model == model.index
        and one.requires_grad
        and one.optimizers
        and one.called
        and one.samples >= MINIMUM_SAMPLES
        and (one.samples_with_grad or not _moved(one))
    ]


def check_leaf(run: Run) -> Iterator[Finding]:
    """`requires_grad` was set on the loss itself, for it had no graph."""
    for stream in run.streams:
        if stream.is_leaf and len(stream.values) >= MINIMUM_VALUES:
            held = [one for one in run.parameters if one.optimizers and one.requires_grad]
            yield _finding(run, stream, held, len(held), "requires_grad", Confidence.CERTAIN, None)


def check_parameters(run: Run) -> Iterator[Finding]:
    """Modules are called, an optimizer holds their parameters, backward runs: and they never have a gradient."""
    if any(stream.is_leaf for stream in run.streams) or not run.streams:
        return
    order = [(model, one) for model in run.models for one in _wanted(run, model)]
    cut = [one for _, one in order if one.samples_with_grad == 0]
    if not cut or not any(len(stream.values) >= MINIMUM_SAMPLES for stream in run.streams):
        return
    reached = [one for _, one in order if one.samples_with_grad > 0]
    stream = max(run.streams, key=lambda one: len(one.values))
    if not reached:
        # Gradients that go to other parameters, which no optimizer holds, are another problem: a stale model.
        if not any(one.in_graph and one.model is not None for one in run.parameters):
            yield _finding(run, stream, cut, len(order), "detach", Confidence.LIKELY, None)
        return
    for optimizers in {one.optimizers for one in cut}:
        group = [one for one in cut if one.optimizers == optimizers]
        others = [one for one in reached if set(one.optimizers) & set(optimizers)]
        if not others:
            # An optimizer of its own that steps without a single gradient, while another one has them.
            yield _finding(run, stream, group, len(group), "detach", Confidence.LIKELY, None)
            continue
        first_reached = min(one.index for one in others)
        before = [one for one in group if one.index < first_reached]
        if before and not all(one.loaded for one in before):
            # Everything up to some layer: what follows is trained on the output of what is not.
            yield _finding(run, stream, before, len(group) + len(others), "detach", Confidence.LIKELY, None)
        # Later ones: an output that the loss does not use (a second head) looks the same from here.


def _finding(
    run: Run,
    stream: LossStream,
    cut: Sequence[Parameter],
    total: int,
    how: str,
    confidence: Confidence,
    severity: Severity | None,
) -> Finding:
    modules = list(dict.fromkeys(one.module or one.name for one in cut))
    last = cut[-1] if cut else None
    # The cut lies behind the last of these modules; the line that calls the model is the nearest that is known.
    model = next((one for one in run.models if last is not None and one.index == last.model), None)
    site = stream.site if how == "requires_grad" or model is None else model.site or stream.site
    return Finding(
        "LOS006",
        data={
            "count": len(cut),
            "total": total,
            "layers": tuple(modules[:NAMED]),
            "weights": sum(one.numel for one in cut),
            "how": how,
        },
        place=at(site, stream.values, module=last.module if last is not None else ""),
        confidence=confidence,
        severity=severity,
    )


RULE = Rule(
    code="LOS006",
    name="loss-cut-off-from-parameters",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check_leaf, check_parameters),
    message=Text(
        "no gradient of the loss ever reaches {count} of {total} parameters that the optimizer is to train ({layers}).",
        "优化器要训练的 {total} 个参数中，有 {count} 个从未得到损失的梯度（{layers}）。",
    ),
    why=Text(
        "Their layers are computed, but somewhere between them and the loss the graph ends (`detach()`, `.data`, "
        "`.item()`, `.numpy()`, `torch.tensor(...)`, `torch.no_grad()`, `argmax`), or their output is not part of the "
        "loss. They keep their initial values. Setting `requires_grad` on a loss that has no graph only silences torch's "
        "error message.",
        "这些层参与了计算，但在它们与损失之间计算图断了（`detach()`、`.data`、`.item()`、`.numpy()`、`torch.tensor(...)`、"
        "`torch.no_grad()`、`argmax`），或者它们的输出没有进入损失，因此一直停留在初始值。"
        "给没有计算图的损失设置 `requires_grad` 只是让 torch 不再报错。",
    ),
    fix=Text(
        "Follow the values from {layers} to the loss and take out what ends the graph (look for `{how}`). If these "
        "layers are frozen on purpose, say so: `requires_grad_(False)`, and leave them out of the optimizer.",
        "从 {layers} 的输出一路查到损失，去掉使计算图中断的操作（先查 `{how}`）。如果是有意冻结这些层，请明确写出来："
        "`requires_grad_(False)`，并且不要把它们交给优化器。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(30, 64), nn.ReLU(), nn.Linear(64, 16), nn.ReLU())
        self.head = nn.Linear(16, 3)

    def forward(self, x):
        code = self.layers(x)
        self.last_code = code = code.detach()  # kept for plotting
        return self.head(code)


data = torch.randn(900, 30)
labels = (data[:, :3] ** 2).argmax(1)
model = Encoder()
optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
for epoch in range(12):
    for rows in torch.randperm(900).split(60):
        loss = nn.functional.cross_entropy(model(data[rows]), labels[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
""",
    good="""\
import torch
from torch import nn

torch.manual_seed(0)


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(30, 64), nn.ReLU(), nn.Linear(64, 16), nn.ReLU())
        self.head = nn.Linear(16, 3)

    def forward(self, x):
        code = self.layers(x)
        self.last_code = code.detach()  # kept for plotting
        return self.head(code)


data = torch.randn(900, 30)
labels = (data[:, :3] ** 2).argmax(1)
model = Encoder()
optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
for epoch in range(12):
    for rows in torch.randperm(900).split(60):
        loss = nn.functional.cross_entropy(model(data[rows]), labels[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
""",
    links=(
        "https://docs.pytorch.org/docs/stable/generated/torch.Tensor.detach.html",
        "https://docs.pytorch.org/docs/stable/notes/autograd.html#locally-disable-grad-doc",
    ),
    explains=("TRN*", "MOD005", "MOD010", "MOD011", "OPT004", "OPT005", "OPT008", "NUM003"),
    needs=("parameters", "modules", "graph"),
)
