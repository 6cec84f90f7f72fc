"""TRN015: a training that was left early although it was still improving."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise
from statistics import median

from torchward.facts import Rounds, Run, Series, Training
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

EARLY = 0.5
"""Share of the planned rounds: who leaves later than that has trained for about as long as was meant."""
NEAR_END = 0.8
"""Share of the run's steps at which the loop was last seen."""
EVALUATIONS = 3
EXAMPLES = 100
"""Of a set whose right answers the program counts itself, where no loss of it is computed."""
FALL = 0.02
"""Share by which each of the last evaluations was better than the one before. Early stopping that compares the right
way round leaves the best evaluation at least its patience behind."""
FEW = 0.25
"""Share of the planned rounds up to which a single evaluation that was not better is no reason to stop: held-out
losses have many local minima, and the first is seldom the last (Prechelt, "Early Stopping - But When?", 1998)."""


def check(run: Run) -> Iterator[Finding]:
    if not run.ended or not run.clean_end or run.crashed or not run.trainings:
        return
    for rounds in run.rounds:
        steps, values = rounds.reached.steps, rounds.reached.values
        again = any(later < earlier for earlier, later in pairwise(values))
        if len(values) < 2 or again or steps[-1] < NEAR_END * run.steps:
            continue
        # Seen in sampled steps alone: by the end it was a little further.
        reached = round((values[-1] + 1) * run.steps / (steps[-1] + 1))
        if reached <= EARLY * rounds.planned:
            yield from _judge(run, rounds, run.trainings[-1], reached)


def _judge(run: Run, rounds: Rounds, training: Training, reached: int) -> Iterator[Finding]:
    judged = [loss.values for loss in run.losses if loss.index in training.evaluations]
    answers = [one.right for one in run.answers if one.examples >= EXAMPLES]
    errors = [Series(one.steps, [round(1 - right, 4) for right in one.values]) for one in answers]
    for found in judged or errors:
        series = found.between(training.first_step, training.last_step + 1)
        values = list(series.values)
        if len(values) < EVALUATIONS or not all(map(math.isfinite, values)):
            continue
        falling = all(later < earlier - FALL * abs(earlier) for earlier, later in pairwise(values[-3:]))
        second = min(range(len(values)), key=values.__getitem__) == len(values) - 2
        hasty = second and reached <= FEW * rounds.planned and _learning(run, training)
        if falling or hasty:
            yield Finding(
                "TRN015",
                data={"reached": reached, "planned": rounds.planned, "last": tuple(values[-3:])},
                place=at(rounds.site, series),
                confidence=Confidence.POSSIBLE,
            )
            return


def _learning(run: Run, training: Training) -> bool:
    """The training loss of the last quarter is below that of the quarter before: there was more to learn."""
    streams = [one for one in run.streams if one.index in training.losses]
    if len(streams) != 1:
        return False
    values = [v for v in streams[0].values.between(training.first_step, training.last_step).values if math.isfinite(v)]
    part = len(values) // 4
    if part < 5:
        return False
    before, last = median(values[-2 * part : -part]), median(values[-part:])
    return last < before - FALL * abs(before)


RULE = Rule(
    code="TRN015",
    name="stopped-while-improving",
    severity=Severity.HINT,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "Training was left after {reached} of {planned} rounds although it had not stopped improving: the last losses (or "
        "shares of wrong answers) on held-out data were {last}.",
        "计划训练 {planned} 轮，第 {reached} 轮就结束了，而模型仍在变好：留出集上最后几次损失（或错误率）为 {last}。",
    ),
    why=Text(
        "Early stopping that looks at the wrong number, compares it the wrong way round, or does not wait, ends a "
        "training where it had most to gain. One evaluation that is not better is noise more often than the end.",
        "提前停止若看错了指标、比较方向写反，或者没有耐心等待，就会在训练收益最大的时候把它结束。一次评估没有变好，多半只是噪声，而不是终点。",
    ),
    fix=Text(
        "Stop on the held-out loss, smaller being better, after several evaluations without a new best: "
        "`if loss < best: best, waited = loss, 0` `else: waited += 1` and `if waited >= 5: break`. If training ends on "
        "purpose once it is good enough, ignore this.",
        "以留出集损失为准（越小越好），连续多次评估没有刷新最佳值才停止：`if loss < best: best, waited = loss, 0` "
        "`else: waited += 1`，再加 `if waited >= 5: break`。如果是有意在达到要求后就结束训练，可忽略本条。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(800, 12)
y = (x @ torch.randn(12, 3) + torch.randn(800, 3)).argmax(1)
train_x, train_y, val_x, val_y = x[:600], y[:600], x[600:], y[600:]

model = nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, 3))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
best, waited = 0.0, 0
for epoch in range(60):
    for rows in torch.randperm(600).split(40):
        loss = nn.functional.cross_entropy(model(train_x[rows]), train_y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        val_loss = nn.functional.cross_entropy(model(val_x), val_y).item()
    if val_loss > best:
        best, waited = val_loss, 0
    else:
        waited += 1
    if waited >= 4:
        break
print(epoch, val_loss)
""",
    good="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(800, 12)
y = (x @ torch.randn(12, 3) + torch.randn(800, 3)).argmax(1)
train_x, train_y, val_x, val_y = x[:600], y[:600], x[600:], y[600:]

model = nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, 3))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
best, waited = float("inf"), 0
for epoch in range(60):
    for rows in torch.randperm(600).split(40):
        loss = nn.functional.cross_entropy(model(train_x[rows]), train_y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        val_loss = nn.functional.cross_entropy(model(val_x), val_y).item()
    if val_loss < best:
        best, waited = val_loss, 0
    else:
        waited += 1
    if waited >= 4:
        break
print(epoch, val_loss)
""",
    links=("https://docs.pytorch.org/ignite/generated/ignite.handlers.early_stopping.EarlyStopping.html",),
    explains=("DAT022", "TRN003", "TRN006"),
    needs=("loss",),
)
