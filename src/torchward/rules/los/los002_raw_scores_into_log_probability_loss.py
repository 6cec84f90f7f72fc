"""LOS002: a loss that wants log-probabilities is given raw scores, probabilities, or rows normalised the wrong way."""

from __future__ import annotations

import math
from collections.abc import Iterator

from torchward.facts import Loss, Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

MINIMUM_SAMPLES = 3
LOGSUMEXP_ERROR = 0.5
"""Rows of log-probabilities have logsumexp 0. `log(p + eps)` and half precision stay far below this; raw scores of C
classes start near ln C (0.69 for two)."""
POSITIVE = 0.05
"""A log-probability is at most 0. Rows that sum to less than 1 (masked classes, parts of a distribution) stay below."""


def _given(loss: Loss) -> tuple[str, Confidence] | None:
    """(what it was given instead, how sure that is)."""
    error, low, high = loss.row_logsumexp_error, loss.prediction_min, loss.prediction_max
    if error is None or low is None or high is None or error <= LOGSUMEXP_ERROR:
        return None
    if not math.isfinite(error):
        return None  # NaN is no sum of anything; where it comes from is told elsewhere
    if loss.producer == "log_softmax":
        # Normalised, yet not over the classes. Which axis `kl_div` compares over is the user's to choose.
        return ("`log_softmax`, dim=0", Confidence.CERTAIN) if loss.kind == "nll_loss" else None
    if high <= POSITIVE:
        return None
    return f"`{loss.producer or 'tensor'}`", Confidence.CERTAIN


def check(run: Run) -> Iterator[Finding]:
    for loss in run.losses:
        if not loss.training or loss.kind not in ("nll_loss", "kl_div") or len(loss.values) < MINIMUM_SAMPLES:
            continue
        found = _given(loss)
        if found is None:
            continue
        given, confidence = found
        values = [value for value in loss.values.values if math.isfinite(value)]
        yield Finding(
            "LOS002",
            data={
                "loss": loss.kind,
                "given": given,
                "low": loss.prediction_min,
                "high": loss.prediction_max,
                "error": loss.row_logsumexp_error,
                "least_loss": min(values, default=None),
                "samples": len(loss.values),
            },
            place=at(loss.site, loss.values, module=loss.producer_module),
            confidence=confidence,
        )


RULE = Rule(
    code="LOS002",
    name="raw-scores-into-log-probability-loss",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "`{loss}` wants log-probabilities, but is given something else ({given}; values from {low} to {high}): "
        "over the classes their logsumexp is off 0 by up to {error}.",
        "`{loss}` 需要对数概率，实际得到的不是（{given}；取值为 {low} 到 {high}）：各行在类别维上的 logsumexp 偏离 0 最多达 {error}。",
    ),
    why=Text(
        "`nll_loss` and `kl_div` take logarithms of probabilities as their first argument and normalise nothing. Given "
        "raw scores, the loss falls without end by raising all scores; given probabilities, it is a different, almost "
        "flat loss. Either way its value means nothing (it can be negative).",
        "`nll_loss` 和 `kl_div` 的第一个参数应为概率的对数，它们不做任何归一化。给的是原始得分时，"
        "只要把所有得分一起抬高，损失就会无止境地下降；给的是概率时，损失变成另一个几乎平坦的函数。两种情况下损失值都没有意义（可能为负）。",
    ),
    fix=Text(
        "Give it `F.log_softmax(scores, dim=1)`, or with class labels call `F.cross_entropy(scores, target)` on the raw "
        "scores instead.",
        "改为传入 `F.log_softmax(scores, dim=1)`；若目标是类别标号，直接对原始得分调用 `F.cross_entropy(scores, target)`。",
    ),
    bad="""\
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(1)


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(16, 48)
        self.out = nn.Linear(48, 4)

    def forward(self, x):
        return self.out(torch.tanh(self.hidden(x)))


inputs = torch.randn(800, 16)
targets = (inputs @ torch.randn(16, 4)).argmax(dim=1)
loader = DataLoader(TensorDataset(inputs, targets), batch_size=40, shuffle=True)

net = Classifier()
optimizer = torch.optim.SGD(net.parameters(), lr=0.05)
for epoch in range(10):
    for x, y in loader:
        loss = F.nll_loss(net(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
""",
    good="""\
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(1)


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(16, 48)
        self.out = nn.Linear(48, 4)

    def forward(self, x):
        return F.log_softmax(self.out(torch.tanh(self.hidden(x))), dim=1)


inputs = torch.randn(800, 16)
targets = (inputs @ torch.randn(16, 4)).argmax(dim=1)
loader = DataLoader(TensorDataset(inputs, targets), batch_size=40, shuffle=True)

net = Classifier()
optimizer = torch.optim.SGD(net.parameters(), lr=0.5)
for epoch in range(10):
    for x, y in loader:
        loss = F.nll_loss(net(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
""",
    links=(
        "https://docs.pytorch.org/docs/stable/generated/torch.nn.NLLLoss.html",
        "https://docs.pytorch.org/docs/stable/generated/torch.nn.KLDivLoss.html",
    ),
    explains=(
        "TRN*",
        "NUM001",
        "NUM002",
        "NUM003",
        "NUM004",
        "NUM007",
        "MOD009",
        "MOD010",
        "OPT007",
        "OPT013",
        "OPT014",
    ),
    needs=("loss",),
)
