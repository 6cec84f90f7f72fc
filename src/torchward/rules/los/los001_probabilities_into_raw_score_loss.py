"""LOS001: a loss that applies softmax or sigmoid itself is given the result of one."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Loss, Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

MINIMUM_SAMPLES = 3
ROW_SUM_ERROR = 0.02
"""Rows of probabilities sum to 1 within this: rounding of bfloat16 (8 bits) included. Raw scores do so by accident only
if they are the same for every example of every batch."""
LOG_ERROR = 0.05
"""The same for the logsumexp of rows of log-probabilities."""
BOUNDED = ("softmax", "sigmoid")


def _probabilities(loss: Loss, ends_in_sigmoid: bool) -> tuple[str, Confidence] | None:
    """(what the loss was given, how sure that is)."""
    low, high = loss.prediction_min, loss.prediction_max
    if loss.producer in BOUNDED or (loss.producer == "logsigmoid" and loss.kind != "cross_entropy"):
        return loss.producer, Confidence.CERTAIN
    inside = low is not None and high is not None and low >= 0 and high <= 1
    if not inside:
        return None
    if loss.kind == "cross_entropy" and loss.row_sum_error is not None and loss.row_sum_error < ROW_SUM_ERROR:
        return loss.producer or "softmax", Confidence.LIKELY
    # A clamp, an average or the like behind a sigmoid: the activation is there, and the values show it.
    return ("sigmoid", Confidence.LIKELY) if ends_in_sigmoid else None


def check(run: Run) -> Iterator[Finding]:
    ends_in_sigmoid = any(one.kind == "sigmoid" and one.before_loss for one in run.activations)
    for loss in run.losses:
        if not loss.training or loss.kind not in ("cross_entropy", "binary_cross_entropy_with_logits"):
            continue
        if len(loss.values) < MINIMUM_SAMPLES:
            continue
        data = {
            "loss": loss.kind,
            "low": loss.prediction_min,
            "high": loss.prediction_max,
            "samples": len(loss.values),
        }
        found = _probabilities(loss, ends_in_sigmoid)
        if found is not None:
            activation, confidence = found
            yield Finding(
                "LOS001",
                data={**data, "activation": activation},
                place=at(loss.site, loss.values, module=loss.producer_module),
                confidence=confidence,
            )
        elif (
            loss.kind == "cross_entropy"
            and loss.producer == "log_softmax"
            and loss.row_logsumexp_error is not None
            and loss.row_logsumexp_error < LOG_ERROR
        ):
            yield Finding(
                "LOS001",
                data={**data, "activation": "log_softmax"},
                place=at(loss.site, loss.values, module=loss.producer_module),
                severity=Severity.HINT,
            )


RULE = Rule(
    code="LOS001",
    name="probabilities-into-raw-score-loss",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "`{loss}` wants raw scores, but is given normalised ones, the output of `{activation}` (from {low} to {high} "
        "in {samples} batches).",
        "`{loss}` 需要原始得分，实际得到的却是 `{activation}` 输出的、已归一化的值（{samples} 个批次中取值为 {low} 到 {high}）。",
    ),
    why=Text(
        "`cross_entropy` applies `log_softmax` itself, and `binary_cross_entropy_with_logits` applies `sigmoid`. Scores "
        "confined to 0..1 can never be far apart, so the loss stays well above zero even for perfect predictions and "
        "gradients are small. (`log_softmax` before `cross_entropy` changes nothing: it is only computed twice.)",
        "`cross_entropy` 自带 `log_softmax`，`binary_cross_entropy_with_logits` 自带 `sigmoid`。"
        "得分被限制在 0 到 1 之间就拉不开差距，即使预测全对，损失也远大于零，而且梯度很小。"
        "（在 `cross_entropy` 之前使用 `log_softmax` 不改变结果，只是重复计算。）",
    ),
    fix=Text(
        "Remove what normalises them (`{activation}`) from the end of the model or from the call, give the layer's raw "
        "output to `{loss}`, and compute probabilities only where they are to be shown.",
        "去掉模型末尾（或调用处）的归一化（`{activation}`），把该层的原始输出交给 `{loss}`；只在需要展示概率的地方才计算概率。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)

features = torch.randn(1024, 20)
labels = (features @ torch.randn(20, 5)).argmax(1)

model = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 5), nn.Softmax(dim=1))
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)

for epoch in range(15):
    order = torch.randperm(len(features))
    for batch in order.split(64):
        optimizer.zero_grad()
        loss = criterion(model(features[batch]), labels[batch])
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch}: loss {loss.item():.3f}")
""",
    good="""\
import torch
from torch import nn

torch.manual_seed(0)

features = torch.randn(1024, 20)
labels = (features @ torch.randn(20, 5)).argmax(1)

model = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 5))
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)

for epoch in range(15):
    order = torch.randperm(len(features))
    for batch in order.split(64):
        optimizer.zero_grad()
        loss = criterion(model(features[batch]), labels[batch])
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch}: loss {loss.item():.3f}")

with torch.no_grad():
    print("sure of the first example:", model(features[:1]).softmax(1).max().item())
""",
    links=(
        "https://docs.pytorch.org/docs/stable/generated/torch.nn.CrossEntropyLoss.html",
        "https://docs.pytorch.org/docs/stable/generated/torch.nn.BCEWithLogitsLoss.html",
        "https://github.com/pytorch/pytorch/issues/55902",
    ),
    explains=("TRN*", "MOD002", "MOD004", "MOD009", "NUM003", "OPT008"),
    needs=("loss", "graph"),
)
