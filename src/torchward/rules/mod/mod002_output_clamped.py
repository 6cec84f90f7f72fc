"""MOD002: the last layer's output is clamped to a range that the targets leave."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Loss, Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

MINIMUM_SAMPLES = 5
OUTSIDE = 0.5
"""A target counts as out of reach when it lies this many deviations of the targets outside the range: noise around a
target at the edge of the range stays well below (a normal variable cut at its edge reaches about 0.3)."""

RANGES = {
    "relu": (0.0, float("inf")),
    "softplus": (0.0, float("inf")),
    "exp": (0.0, float("inf")),
    "sigmoid": (0.0, 1.0),
    "softmax": (0.0, 1.0),
    "tanh": (-1.0, 1.0),
}
"""Activation -> the range of its output."""
REGRESSIONS = ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss")
SCORES = ("cross_entropy", "binary_cross_entropy_with_logits")
"""Losses that want raw scores of either sign. (Probabilities given to them are another rule's.)"""
LOG_SCORES = {"nll_loss": "log_softmax", "binary_cross_entropy": "sigmoid"}
"""Losses behind an activation that itself wants raw scores -> that activation."""


def _before(run: Run, loss: Loss) -> str:
    """The clamping activation between the last layer and the activation that the loss needs, if there is one."""
    wanted = LOG_SCORES.get(loss.kind)
    if wanted is None or loss.producer != wanted or not loss.producer_module:
        return ""
    if wanted == "sigmoid" and (loss.prediction_min is None or loss.prediction_min < 0.499):
        return ""
    return next(
        (
            activation.kind
            for activation in run.activations
            if activation.before_loss
            and activation.layer == loss.producer_module
            and (activation.kind == "relu" or (activation.kind == "tanh" and wanted == "log_softmax"))
        ),
        "",
    )


def check(run: Run) -> Iterator[Finding]:
    for loss in run.losses:
        if not loss.training or len(loss.values) < MINIMUM_SAMPLES or len(loss.producers) > 1:
            continue
        low, high = loss.target_min, loss.target_max
        kind, severity = "", None
        confidence = Confidence.CERTAIN
        if loss.kind in REGRESSIONS and loss.producer in RANGES and low is not None and high is not None:
            least, most = RANGES[loss.producer]
            margin = OUTSIDE * (loss.target_std or 0.0)
            if margin and (low < least - margin or high > most + margin):
                kind = loss.producer
        elif loss.kind in SCORES and loss.producer in ("relu", "tanh"):
            kind = loss.producer
            # Of several classes one can still win by its lead over the others; a single score cannot say "no".
            severity = Severity.WARNING if loss.kind == "cross_entropy" else None
        else:
            kind = _before(run, loss)
            confidence = Confidence.LIKELY
            severity = Severity.WARNING if loss.kind == "nll_loss" else None
        if not kind:
            continue
        site = loss.site
        least, most = RANGES[kind]
        yield Finding(
            "MOD002",
            data={
                "activation": kind,
                "layer": loss.producer_module or "?",
                "loss": loss.kind,
                "range": f"{least:g} .. {most:g}",
                "wanted": f"{low:.4g} .. {high:.4g}"
                if loss.kind in REGRESSIONS and low is not None and high is not None
                else "-inf .. inf",
                "prediction_min": loss.prediction_min,
                "prediction_max": loss.prediction_max,
            },
            place=at(site, loss.values, module=loss.producer_module),
            confidence=confidence,
            severity=severity,
        )


RULE = Rule(
    code="MOD002",
    name="output-clamped",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "The model ends in `{activation}` after `{layer}`, so its output stays within {range}; `{loss}` needs "
        "{wanted}.",
        "模型以 `{layer}` 之后的 `{activation}` 结尾，输出只能落在 {range}；而 `{loss}` 需要 {wanted}。",
    ),
    why=Text(
        "An output that the activation cannot produce can never be learned, and where the activation is flat no "
        "gradient flows: a ReLU that is 0 for an example learns nothing from it, however wrong it is.",
        "激活函数给不出的值永远学不会；在激活函数平坦的地方也没有梯度：某个样本上输出为 0 的 ReLU，"
        "无论错得多离谱，都学不到任何东西。",
    ),
    fix=Text(
        "Drop the `{activation}` after the last layer `{layer}` and give its raw output to `{loss}`.",
        "去掉最后一层 `{layer}` 之后的 `{activation}`，把该层的原始输出直接交给 `{loss}`。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)
inputs = torch.randn(1000, 8)
targets = inputs @ torch.randn(8, 1) + 0.1 * torch.randn(1000, 1)

model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 1), nn.ReLU())
criterion = nn.MSELoss()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)

for step in range(250):
    rows = torch.randint(0, 1000, (64,))
    loss = criterion(model(inputs[rows]), targets[rows])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 50 == 0:
        print(step, round(loss.item(), 4))
""",
    good="""\
import torch
from torch import nn

torch.manual_seed(0)
inputs = torch.randn(1000, 8)
targets = inputs @ torch.randn(8, 1) + 0.1 * torch.randn(1000, 1)

model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 1))
criterion = nn.MSELoss()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)

for step in range(250):
    rows = torch.randint(0, 1000, (64,))
    loss = criterion(model(inputs[rows]), targets[rows])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 50 == 0:
        print(step, round(loss.item(), 4))
""",
    links=(
        "https://docs.pytorch.org/docs/stable/generated/torch.nn.CrossEntropyLoss.html",
        "https://docs.pytorch.org/docs/stable/generated/torch.nn.BCEWithLogitsLoss.html",
    ),
    explains=("MOD003", "MOD010", "MOD011", "TRN001", "TRN003", "TRN004"),
    needs=("loss", "graph"),
)
