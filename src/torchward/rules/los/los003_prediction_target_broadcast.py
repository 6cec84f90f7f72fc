"""LOS003: prediction and target have different shapes, and the loss compares every prediction with every target."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

MINIMUM_SAMPLES = 2
ELEMENTWISE = ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss")


def broadcast(one: tuple[int, ...], other: tuple[int, ...]) -> tuple[int, ...] | None:
    """The shape that two tensors are broadcast to; None where they do not fit."""
    size = max(len(one), len(other))
    pairs = zip((1,) * (size - len(one)) + one, (1,) * (size - len(other)) + other, strict=True)
    result = []
    for a, b in pairs:
        if a != b and 1 not in (a, b):
            return None
        result.append(b if a == 1 else a)
    return tuple(result)


def check(run: Run) -> Iterator[Finding]:
    for loss in run.losses:
        if not loss.training or loss.kind not in ELEMENTWISE or len(loss.values) < MINIMUM_SAMPLES:
            continue
        prediction, target = loss.prediction_shape, loss.target_shape
        result = broadcast(prediction, target)
        # One operand that is repeated as it is (a constant target, one target per row) may be meant. A result that is
        # larger than both compares values that do not belong together.
        if result is not None and prod(result) > max(prod(prediction), prod(target)):
            yield Finding(
                "LOS003",
                data=_data(loss.kind, prediction, target, result),
                place=at(loss.site, loss.values, module=loss.producer_module),
            )
    squares = [loss for loss in run.losses if loss.training and loss.kind in ELEMENTWISE]
    pairs = any(_is_square(loss.prediction_shape) and loss.prediction_shape == loss.target_shape for loss in squares)
    for stream in run.streams:
        # Where there is a target for each pair, the pairs are meant.
        found = stream.broadcast or (None if pairs else stream.crossed)
        if found is None or len(stream.values) < MINIMUM_SAMPLES:
            continue
        operand, result, operation = found
        upright = len(operand) == len(result) and operand[0] != 1
        other = (result[0], *result[2:]) if upright else (result[0], 1, *result[2:])
        yield Finding(
            "LOS003",
            data=_data(operation, operand, other, result),
            place=at(stream.site, stream.values),
            confidence=Confidence.LIKELY,
        )


def _is_square(shape: tuple[int, ...]) -> bool:
    return len(shape) == 2 and shape[0] == shape[1]


def _data(
    operation: str, prediction: tuple[int, ...], target: tuple[int, ...], result: tuple[int, ...]
) -> dict[str, object]:
    return {
        "operation": operation,
        "prediction": prediction,
        "target": target,
        "result": result,
        "pairs": prod(result),
        "wanted": max(prod(prediction), prod(target)),
    }


RULE = Rule(
    code="LOS003",
    name="prediction-target-broadcast",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "{prediction} and {target}, values that belong to the same examples, are broadcast to {result} by `{operation}`: "
        "the loss averages {pairs} pairs instead of {wanted} values.",
        "形状为 {prediction} 与 {target}、属于同一批样本的值在 `{operation}` 中被广播成 {result}：损失对 {pairs} 对数取平均，而不是 {wanted} 个。",
    ),
    why=Text(
        "Each prediction, or part of one, meets the values of every example, not only its own. A loss of all pairs is "
        "smallest when all predictions are the mean of the targets, so the model learns a constant while it still falls.",
        "每个预测（或它的一部分）都与所有样本的值相遇，而不只是自己的值。对所有配对取平均的损失在所有预测都等于目标均值时最小，"
        "模型学到的只是一个常数，而损失看起来仍在下降。",
    ),
    fix=Text(
        "Give both the same shape before they meet: `pred.squeeze(-1)` for targets of shape (N,), or "
        "`target.unsqueeze(-1)` (`target.view_as(pred)`) for predictions of shape (N, 1); in the model, too, keep the "
        "last axis everywhere (`sum(1, keepdim=True)`) or nowhere.",
        "在两者相遇之前让形状一致：目标为 (N,) 时用 `pred.squeeze(-1)`；预测为 (N, 1) 时用 "
        "`target.unsqueeze(-1)`（或 `target.view_as(pred)`）；模型内部也要统一：要么都保留最后一维"
        "（`sum(1, keepdim=True)`），要么都不保留。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)

x = torch.randn(1000, 8)
y = x @ torch.randn(8) + 0.1 * torch.randn(1000)

model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 1))
loss_fn = nn.MSELoss()
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)

for epoch in range(10):
    for rows in torch.randperm(1000).split(50):
        prediction = model(x[rows])
        loss = loss_fn(prediction, y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    good="""\
import torch
from torch import nn

torch.manual_seed(0)

x = torch.randn(1000, 8)
y = x @ torch.randn(8) + 0.1 * torch.randn(1000)

model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 1))
loss_fn = nn.MSELoss()
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)

for epoch in range(10):
    for rows in torch.randperm(1000).split(50):
        prediction = model(x[rows]).squeeze(-1)
        loss = loss_fn(prediction, y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    links=(
        "https://docs.pytorch.org/docs/stable/notes/broadcasting.html",
        "https://docs.pytorch.org/docs/stable/generated/torch.nn.MSELoss.html",
    ),
    explains=("TRN*", "OPT007", "OPT008"),
    needs=("loss", "graph"),
)
