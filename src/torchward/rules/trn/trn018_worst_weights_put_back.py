"""TRN018: the weights that are put back in the end are those of the worst evaluation, not of the best."""

from __future__ import annotations

import math
from collections.abc import Iterator

from torchward.facts import PutBack, Run, Series
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

EVALUATIONS = 4
"""Besides the last one, whose weights need not be put back: the worst of so many is so by chance in a quarter of the
cases; that it is chosen takes a rule."""
NEAR_BEST, NEAR_WORST = 0.5, 0.95
"""Where a score lies between the best (0) and the worst (1): what was chosen by another score is seldom worst in one, and
better than half way in none."""
APART = 0.1
"""Of the best score, or of what it lacks to 1: smaller differences are noise."""
EXAMPLES = 64


def check(run: Run) -> Iterator[Finding]:
    if not run.clean_end or not run.trainings:
        return
    for back in run.put_back:
        if back.step < run.steps or not 0 < back.evaluated < max(back.evaluations):
            continue
        found = [one for one in (_judge(back, *each) for each in _scores(run)) if one is not None]
        places = [place for place, _, _, _ in found]
        if not found or max(places) < NEAR_WORST or min(places) < NEAR_BEST:
            continue
        _, name, own, best = max(found)
        yield Finding(
            "TRN018",
            data={"evaluated": back.evaluated, "score": name, "own": own, "best": best, "count": len(back.evaluations)},
            place=at(back.site, first=back.step),
            confidence=Confidence.LIKELY,
        )
        return


def _scores(run: Run) -> Iterator[tuple[str, bool, Series]]:
    """(name, higher is better, values) of what the program computes in evaluations."""
    for loss in run.losses:
        if not loss.training:
            yield loss.kind, False, loss.values
            yield "accuracy", True, loss.accuracy
    for answers in run.answers:
        if answers.examples >= EXAMPLES:
            yield "accuracy", True, answers.right
    for metric in run.metrics:
        yield metric.name, metric.higher_is_better, metric.values


def _judge(back: PutBack, name: str, higher: bool, series: Series) -> tuple[float, str, float, float] | None:
    """(0 for the best to 1 for the worst, name, score of the weights that were put back, best score)."""
    known = {step: value for step, value in zip(series.steps, series.values, strict=True) if step in back.evaluations}
    # After the last step comes an evaluation of what was put back, too.
    known.pop(back.step, None)
    if back.evaluated not in known or len(known) < EVALUATIONS or not all(map(math.isfinite, known.values())):
        return None
    own, values = known[back.evaluated], list(known.values())
    best, worst = (max(values), min(values)) if higher else (min(values), max(values))
    size = max(abs(best), 1e-12) if not higher else max(min(abs(best), 1 - best), 1e-12)
    if abs(worst - best) < APART * size or worst == best:
        return None
    return (own - best) / (worst - best), name, own, best


RULE = Rule(
    code="TRN018",
    name="worst-weights-put-back",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "In the end the model is given the weights it had after step {evaluated}: of {count} evaluations the worst by `{score}` ({own}; the best was {best}).",
        "最后给模型恢复的是第 {evaluated} 步的权重：按 `{score}` 看，它是 {count} 次评估中最差的一次（{own}；最好的是 {best}）。",
    ),
    why=Text(
        "What is kept as best was chosen the wrong way round: a score that is to grow was compared as one that is to fall, or the other way. All training since was for nothing.",
        "保存“最佳”权重时比较的方向反了：应该越大越好的得分被当成越小越好（或相反）。此后的训练全部白费。",
    ),
    fix=Text(
        'Turn the comparison around: `mode="max"` for accuracy, F1 and the like (`ModelCheckpoint` and `EarlyStopping` of Lightning take the least by default; `metric_for_best_model` of '
        "transformers needs `greater_is_better=True`), `<` for losses and errors.",
        '把比较方向改过来：accuracy、F1 等用 `mode="max"`（Lightning 的 `ModelCheckpoint` 和 `EarlyStopping` 默认取最小值；transformers 的 `metric_for_best_model` 需要 '
        "`greater_is_better=True`），损失和误差用 `<`。",
    ),
    bad="""\
import copy

import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(900, 12)
y = (x @ torch.randn(12, 3)).argmax(1)
model = nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, 3))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
best_score, best = float("inf"), None
for epoch in range(12):
    for rows in torch.randperm(600).split(40):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        score = (model(x[600:]).argmax(1) == y[600:]).float().mean().item()
    print(epoch, score)
    if score < best_score:
        best_score, best = score, copy.deepcopy(model.state_dict())
model.load_state_dict(best)
""",
    good="""\
import copy

import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(900, 12)
y = (x @ torch.randn(12, 3)).argmax(1)
model = nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, 3))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
best_score, best = 0.0, None
for epoch in range(12):
    for rows in torch.randperm(600).split(40):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        score = (model(x[600:]).argmax(1) == y[600:]).float().mean().item()
    print(epoch, score)
    if score > best_score:
        best_score, best = score, copy.deepcopy(model.state_dict())
model.load_state_dict(best)
""",
    links=("https://lightning.ai/docs/pytorch/stable/api/lightning.pytorch.callbacks.ModelCheckpoint.html",),
    needs=("modules",),
    preview=True,
)
