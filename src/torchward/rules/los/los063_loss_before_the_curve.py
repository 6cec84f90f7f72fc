"""LOS063: the loss compares targets with a raw score, while the model returns its sigmoid, which is in no loss."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

CALLS = 5
"""Sampled ones."""
AT_BOUNDS = 0.5
"""Share of the targets that are 0 or 1 (or -1), from which on they are classes: least squares on raw scores is a way to
train these."""


def check(run: Run) -> Iterator[Finding]:
    models = {model.index: model for model in run.models}
    losses = {loss.index: loss for loss in run.losses}
    for one in run.squashed:
        model, loss = models.get(one.model), losses[one.loss]
        if model is None or one.calls < CALLS or not one.inside or one.at_bounds > AT_BOUNDS or not loss.target_std:
            continue
        used = model.outputs_used[one.output] if one.output < len(model.outputs_used) else -1
        if used != 0 or model.outputs_followed < CALLS:
            continue
        data = {"loss": loss.kind, "curve": one.curve, "model": model.name, "low": 0 if one.curve == "sigmoid" else -1}
        yield Finding("LOS063", data, at(loss.site, loss.values), Confidence.LIKELY)


RULE = Rule(
    code="LOS063",
    name="loss-before-the-curve",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "`{loss}` compares targets between {low} and 1 with a raw score; `{model}` returns its `{curve}` as well, which "
        "is in no loss.",
        "`{loss}` 把介于 {low} 和 1 之间的目标与原始分数相比较；`{model}` 还返回了它的 `{curve}`，而后者不在任何损失中。",
    ),
    why=Text(
        "Training makes the score itself equal to the target. The output that is used is the curve of it: a target of 0.9 "
        "becomes sigmoid(0.9) = 0.71, one of 0.1 becomes 0.52. The loss falls as it should, and the output is wrong.",
        "训练会使分数本身等于目标。而实际使用的输出是它经过曲线之后的值：目标 0.9 变成 sigmoid(0.9) = 0.71，0.1 变成 0.52。"
        "损失照常下降，输出却是错的。",
    ),
    fix=Text(
        "Give the loss the output that is used, after the `{curve}`; or keep the raw score and compare it with raw targets "
        "(`torch.logit(target)`), or use `binary_cross_entropy_with_logits`.",
        "把实际使用的、经过 `{curve}` 之后的输出交给损失；或保留原始分数并与原始目标（`torch.logit(target)`）比较，"
        "或使用 `binary_cross_entropy_with_logits`。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(2000, 6)
level = torch.sigmoid(1.5 * x[:, 0] + x[:, 1] * x[:, 2])


class Tank(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(6, 48), nn.ReLU(), nn.Linear(48, 1))

    def forward(self, x):
        score = self.body(x).squeeze(1)
        return {"score": score, "level": score.sigmoid()}


model = Tank()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(10):
    for rows in torch.randperm(1600).split(50):
        out = model(x[rows])
        loss = nn.functional.mse_loss(out["score"], level[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        error = (model(x[1600:])["level"] - level[1600:]).abs().mean()
    print(epoch, loss.item(), error.item())
""",
    good="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(2000, 6)
level = torch.sigmoid(1.5 * x[:, 0] + x[:, 1] * x[:, 2])


class Tank(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(6, 48), nn.ReLU(), nn.Linear(48, 1))

    def forward(self, x):
        score = self.body(x).squeeze(1)
        return {"score": score, "level": score.sigmoid()}


model = Tank()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(10):
    for rows in torch.randperm(1600).split(50):
        out = model(x[rows])
        loss = nn.functional.mse_loss(out["level"], level[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        error = (model(x[1600:])["level"] - level[1600:]).abs().mean()
    print(epoch, loss.item(), error.item())
""",
    links=("https://docs.pytorch.org/docs/stable/generated/torch.nn.BCEWithLogitsLoss.html",),
    needs=("graph",),
)
