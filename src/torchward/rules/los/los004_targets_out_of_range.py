"""LOS004: targets that the loss has no meaning for: not in 0..1 for binary cross-entropy, or all of them ignored."""

from __future__ import annotations

import math
from collections.abc import Iterator

from torchward.facts import Loss, Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

MINIMUM_SAMPLES = 3
MARGIN = 0.25
"""Targets may leave 0..1 by this much: noisy labels of 0.7 to 1.2 are a known trick for discriminators
(https://github.com/soumith/ganhacks, number 6)."""


def _problem(loss: Loss) -> tuple[str, str, Confidence] | None:
    """(what the targets are, what they should be, how sure that is)."""
    low, high = loss.target_min, loss.target_max
    if loss.kind == "binary_cross_entropy_with_logits":
        if low is not None and high is not None and (low < -MARGIN or high > 1 + MARGIN):
            return f"{low:.4g}..{high:.4g}", "0..1", Confidence.CERTAIN
    elif loss.kind in ("cross_entropy", "nll_loss"):
        if loss.targets_seen > 0 and loss.ignored == loss.targets_seen:
            return f"{loss.ignore_index} (ignore_index)", f"0..{(loss.classes or 2) - 1}", Confidence.CERTAIN
    elif loss.kind == "kl_div" and low is not None and low < 0 and all(map(math.isnan, loss.values.values)):
        # With `log_target=True` logarithms are right, and give no NaN.
        return f"{low:.4g}..{high:.4g}", "0..1", Confidence.LIKELY
    return None


def check(run: Run) -> Iterator[Finding]:
    for loss in run.losses:
        if not loss.training or len(loss.values) < MINIMUM_SAMPLES:
            continue
        found = _problem(loss)
        if found is None:
            continue
        seen, allowed, confidence = found
        finite = [value for value in loss.values.values if math.isfinite(value)]
        yield Finding(
            "LOS004",
            data={
                "loss": loss.kind,
                "targets": seen,
                "allowed": allowed,
                "samples": len(loss.values),
                "least_loss": min(finite, default=None),
            },
            place=at(loss.site, loss.values),
            confidence=confidence,
        )


RULE = Rule(
    code="LOS004",
    name="targets-out-of-range",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "the targets of `{loss}` are {targets} in all {samples} batches looked at; it is defined for {allowed}.",
        "在查看过的 {samples} 个批次中，`{loss}` 的目标取值为 {targets}；该损失只对 {allowed} 有定义。",
    ),
    why=Text(
        "Torch does not check this. Binary cross-entropy with targets outside 0..1 has no minimum: the loss becomes "
        "negative and pushes the scores to infinity. Where every target is ignored, the mean over no values is NaN and "
        "nothing is learned.",
        "torch 不检查这一点。二元交叉熵的目标超出 0..1 时没有最小值：损失会变成负数，得分被推向无穷。"
        "如果所有目标都被忽略，对空集求平均得到 NaN，什么也学不到。",
    ),
    fix=Text(
        "Look at `target.min()` and `target.max()` where the data is made, and map them into range: `(target + 1) / 2` "
        "for labels of -1 and 1, `target / 255` for pixels, `(target == k).float()` for one class out of several, and "
        "another `ignore_index` where it collides with real labels.",
        "在生成数据的地方查看 `target.min()` 和 `target.max()`，再映射到合法范围：标签为 -1 和 1 时用 `(target + 1) / 2`；"
        "像素用 `target / 255`；多类中的一类用 `(target == k).float()`；若 `ignore_index` 与真实标签冲突，请换一个值。",
    ),
    bad="""\
import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)

points = torch.randn(600, 6)
side = torch.sign(points @ torch.randn(6))  # -1 or 1

scorer = nn.Sequential(nn.Linear(6, 24), nn.Tanh(), nn.Linear(24, 1))
optimizer = torch.optim.SGD(scorer.parameters(), lr=0.05, momentum=0.9)

for step in range(300):
    picked = torch.randint(0, 600, (50,))
    scores = scorer(points[picked]).squeeze(1)
    loss = F.binary_cross_entropy_with_logits(scores, side[picked])
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

torch.manual_seed(0)

points = torch.randn(600, 6)
side = torch.sign(points @ torch.randn(6))  # -1 or 1

scorer = nn.Sequential(nn.Linear(6, 24), nn.Tanh(), nn.Linear(24, 1))
optimizer = torch.optim.SGD(scorer.parameters(), lr=0.05, momentum=0.9)

for step in range(300):
    picked = torch.randint(0, 600, (50,))
    scores = scorer(points[picked]).squeeze(1)
    loss = F.binary_cross_entropy_with_logits(scores, (side[picked] + 1) / 2)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 50 == 0:
        print(step, loss.item())
""",
    links=(
        "https://docs.pytorch.org/docs/stable/generated/torch.nn.BCEWithLogitsLoss.html",
        "https://docs.pytorch.org/docs/stable/generated/torch.nn.CrossEntropyLoss.html",
    ),
    explains=(
        "NUM001",
        "NUM002",
        "NUM003",
        "NUM004",
        "NUM007",
        "TRN*",
        "MOD003",
        "MOD004",
        "MOD011",
        "OPT007",
        "OPT013",
    ),
    needs=("loss",),
)
