"""LOS044: an output of the model is left out of the loss, although a loss is computed on it, or was meant to be."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Loss, Model, Parameter, Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

STEPS = 6
"""Sampled steps."""
NAMED = 6


def _untrained(run: Run, model: Model) -> list[Parameter]:
    """Weights of layers that are called and in an optimizer, and that never get a gradient."""
    return [
        one
        for one in run.parameters
        if one.model == model.index
        and one.requires_grad
        and one.optimizers
        and one.called
        and one.samples >= STEPS
        and not one.samples_with_grad
    ]


def _unused(model: Model) -> list[int]:
    return [place for place, used in enumerate(model.outputs_used) if used == 0 and model.outputs_followed >= STEPS]


def check(run: Run) -> Iterator[Finding]:
    if not any(one.samples_with_grad for one in run.parameters):
        return  # nothing is trained at all: another problem
    losses = {loss.index: loss for loss in run.losses}
    for model in run.models:
        without = _untrained(run, model)
        if not without:
            continue
        dropped = [
            loss
            for loss in run.losses
            if loss.judges is not None
            and loss.judges[0] == model.index
            and loss.left_out >= STEPS
            and (_unused(model) if loss.in_backward else loss.judges[1] in _unused(model) or not model.outputs_used)
        ]
        if dropped:
            yield _finding(model, without, dropped[0], "left out", Confidence.CERTAIN)
            continue
        for pair in run.twice_judged:
            if pair.model == model.index and pair.steps >= STEPS and _unused(model):
                yield _finding(model, without, losses[pair.loss], losses[pair.other].kind, Confidence.LIKELY)
                break
        else:
            judged = _judged_instead(run, model)
            if judged is not None:
                yield _finding(model, without, judged, "an output of the same shape", Confidence.LIKELY)


def _judged_instead(run: Run, model: Model) -> Loss | None:
    """The only loss judges an output that looks just like the one which nothing judges."""
    shapes = model.output_shapes
    used = [shapes[place] for place, times in enumerate(model.outputs_used) if times > 0 and place < len(shapes)]
    alike = any(place < len(shapes) and len(shapes[place]) > 1 and shapes[place] in used for place in _unused(model))
    training = [loss for loss in run.losses if loss.training]
    return training[0] if alike and len(training) == 1 else None


def _finding(model: Model, without: list[Parameter], loss: Loss, other: str, confidence: Confidence) -> Finding:
    layers = tuple(dict.fromkeys(one.module or one.name for one in without))
    data = {"model": model.name, "layers": layers[:NAMED], "count": len(without), "loss": loss.kind, "how": other}
    return Finding("LOS044", data, at(loss.site, loss.values, module=layers[0]), confidence)


RULE = Rule(
    code="LOS044",
    name="output-left-out-of-loss",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "an output of `{model}` never reaches the loss: {layers} ({count} parameters) are called and in the optimizer, "
        "yet get no gradient. Look at `{loss}` here ({how}).",
        "`{model}` 的一个输出从未进入损失：{layers}（{count} 个参数）参与了计算、也在优化器里，却得不到梯度。"
        "请查看此处的 `{loss}`（{how}）。",
    ),
    why=Text(
        "Either this loss is computed and not added to the one that is differentiated, or it is given another head's "
        "output, which then has two different targets. In both cases one head keeps its initial weights.",
        "要么这个损失算出来了却没有加到求导的总损失里；要么它拿到的是另一个头的输出，那个头于是有两种不同的目标。"
        "两种情况下，都有一个头一直停留在初始权重。",
    ),
    fix=Text(
        "Give each loss the output that belongs to its target, and add all of them up: `loss = loss_a + weight * loss_b`.",
        "让每个损失使用与其目标对应的输出，并全部相加：`loss = loss_a + weight * loss_b`。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(1200, 10)
kind = (x[:, :4].sum(1) > 0).long()
size = x[:, 4:].square().mean(1, keepdim=True)


class TwoHeads(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(10, 48), nn.ReLU())
        self.kind = nn.Linear(48, 2)
        self.size = nn.Linear(48, 1)

    def forward(self, x):
        h = self.body(x)
        return {"kind": self.kind(h), "size": self.size(h)}


model = TwoHeads()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(12):
    for rows in torch.randperm(1200).split(60):
        out = model(x[rows])
        kind_loss = nn.functional.cross_entropy(out["kind"], kind[rows])
        size_loss = nn.functional.mse_loss(out["size"], size[rows])
        optimizer.zero_grad()
        kind_loss.backward()
        optimizer.step()
    print(epoch, kind_loss.item(), size_loss.item())
""",
    good="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(1200, 10)
kind = (x[:, :4].sum(1) > 0).long()
size = x[:, 4:].square().mean(1, keepdim=True)


class TwoHeads(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(10, 48), nn.ReLU())
        self.kind = nn.Linear(48, 2)
        self.size = nn.Linear(48, 1)

    def forward(self, x):
        h = self.body(x)
        return {"kind": self.kind(h), "size": self.size(h)}


model = TwoHeads()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(12):
    for rows in torch.randperm(1200).split(60):
        out = model(x[rows])
        kind_loss = nn.functional.cross_entropy(out["kind"], kind[rows])
        size_loss = nn.functional.mse_loss(out["size"], size[rows])
        optimizer.zero_grad()
        (kind_loss + size_loss).backward()
        optimizer.step()
    print(epoch, kind_loss.item(), size_loss.item())
""",
    links=("https://docs.pytorch.org/docs/stable/notes/autograd.html",),
    explains=("TRN*", "LOS006", "MOD011", "MOD010", "OPT002"),
    needs=("graph", "loss", "modules"),
    preview=True,
)
