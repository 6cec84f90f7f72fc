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


LATE = 0.9
"""Share of the planned rounds up to which it matters that a training was left for a wrong reason."""
PATIENCES = (4, 5, 6, 7, 8, 10, 12, 15, 20, 25, 30, 40, 50, 100)
"""Evaluations without a new best after which programs usually stop: a run that ends for another reason has as many by
chance only."""
COUNTED = 4
"""Evaluations that were not a new best, ..."""
LONGEST = 8
"""... of so many at least, of which ..."""
BEGINNING = 0.25
"""... this share comes before the first that count: stopping may be ruled out for a number of rounds."""
DELTAS = ((0.0, 0.0), (1e-5, 0.0), (1e-4, 0.0), (1e-3, 0.0), (0.0, 1e-4), (0.0, 1e-3))
"""Usual margins by which a new best must be better: absolute, and as a share of the best (`min_delta` of Lightning,
ignite and keras; `threshold` of `ReduceLROnPlateau`)."""


def check(run: Run) -> Iterator[Finding]:
    for rounds, reached in _left(run):
        if reached <= EARLY * rounds.planned:
            yield from _judge(run, rounds, run.trainings[-1], reached)


def check_counter(run: Run) -> Iterator[Finding]:
    """A counter of evaluations without a new best that a new best does not set back to 0."""
    if any(one.mode for one in run.schedulers):
        return  # a rate that has fallen to its end is a reason, too
    for rounds, reached in _left(run):
        found = list(_held_out(run, run.trainings[-1])) if reached <= LATE * rounds.planned else []
        judged = [_never_set_back(list(series.values)) for series in found]
        if judged and all(judged):
            yield Finding(
                "TRN015",
                data={
                    "reached": reached,
                    "planned": rounds.planned,
                    "last": tuple(round(value, 4) for value in found[0].values[-4:]),
                },
                place=at(rounds.site, found[0]),
                confidence=Confidence.POSSIBLE,
            )
            return


def _held_out(run: Run, training: Training) -> Iterator[Series]:
    """What is computed in evaluations, smaller being better."""
    first, last = training.first_step, training.last_step + 1
    squared = [one.squared.between(first, last) for one in run.errors_by_hand if len(set(one.sizes)) == 1]
    # A margin that is usual for an error of 0.1 is most of its square.
    whole = [Series(one.steps, [math.sqrt(value) for value in one.values]) for one in squared]
    whole += [loss.values.between(first, last) for loss in run.losses if loss.index in training.evaluations]
    for answers in run.answers:
        right = answers.right.between(first, last)
        whole.append(Series(right.steps, [1 - one for one in right.values]))
    longest = max((len(one.values) for one in whole), default=0)
    yield from (one for one in whole if len(one.values) >= longest - 1)


def _never_set_back(values: list[float]) -> bool:
    """With whatever margin, a counter that is set back would have stopped before, or later: there were as many
    evaluations in a row without a new best as at the end."""
    if len(values) < LONGEST or not all(map(math.isfinite, values)):
        return False
    for absolute, share in DELTAS:
        best, waited, all_waited, before = math.inf, 0, 0, 0
        for place, value in enumerate(values):
            if best == math.inf or value < best - absolute - share * abs(best):
                if place > BEGINNING * len(values):
                    before = max(before, waited)
                best, waited = value, 0
            else:
                waited, all_waited = waited + 1, all_waited + 1
        if not 0 < waited <= before or all_waited < COUNTED or all_waited not in PATIENCES:
            return False
    return True


def _left(run: Run) -> Iterator[tuple[Rounds, int]]:
    """Loops that were left, and in which round."""
    if not run.ended or not run.clean_end or run.crashed or not run.trainings:
        return
    for rounds in run.rounds:
        steps, values = rounds.reached.steps, rounds.reached.values
        again = any(later < earlier for earlier, later in pairwise(values))
        if len(values) < 2 or again or steps[-1] < NEAR_END * run.steps:
            continue
        # Seen in sampled steps alone: by the end it was a little further.
        reached = round((values[-1] + 1) * run.steps / (steps[-1] + 1))
        yield rounds, reached


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
    checks=(check, check_counter),
    message=Text(
        "Training was left after {reached} of {planned} rounds although it had not stopped improving: the last losses (or "
        "shares of wrong answers) on held-out data were {last}.",
        "计划训练 {planned} 轮，第 {reached} 轮就结束了，而模型仍在变好：留出集上最后几次损失（或错误率）为 {last}。",
    ),
    why=Text(
        "Early stopping that looks at the wrong number, compares it the wrong way round, or does not wait, ends a "
        "training where it had most to gain. One evaluation that is not better is noise more often than the end. A counter "
        "that a new best does not set back to 0 counts all such evaluations of the run, and stops it while it is improving.",
        "提前停止若看错了指标、比较方向写反，或者没有耐心等待，就会在训练收益最大的时候把它结束。一次评估没有变好，多半只是噪声，而不是终点。刷新最佳值时若不把计数器清零，它累计的就是整个训练中所有没有变好的评估，训练会在仍有进步时被停掉。",
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
