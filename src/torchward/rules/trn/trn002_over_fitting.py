"""TRN002: the loss on held-out data has long been rising while the training loss goes on falling."""

from __future__ import annotations

import math
from collections.abc import Iterator
from statistics import median

from torchward.facts import Loss, Run, Training
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at
from torchward.rules._progress import progress

MINIMUM_EVALUATIONS = 8
AFTER = 5
"""Evaluations after the best one."""
SHARE_AFTER = 0.4
"""... and their share of all: early stopping with patience ends sooner."""
RISE = 1.25
"""Loss now over the least one. SageMaker Debugger's Overfit speaks when the losses are 10 % apart; noise of small
validation sets stays below 25 %."""
TRAINING_FALL = 0.1
"""Share by which the training loss fell since the best evaluation."""


def _training_loss(run: Run, training: Training, before: int, after: int) -> tuple[float, float] | None:
    """The training loss around the best evaluation, and at the end."""
    stream = next((one for one in run.streams if one.index == training.losses[0]), None)
    if stream is None:
        return None
    width = max(10, (after - before) // 5)
    then = [v for v in stream.values.between(before - width, before).values if math.isfinite(v)]
    now = [v for v in stream.values.between(after - width, after).values if math.isfinite(v)]
    return (median(then), median(now)) if then and now else None


def _judge(run: Run, training: Training, loss: Loss) -> Iterator[Finding]:
    # What stands at the first step of a later training was computed at the end of the one before.
    first = training.first_step + 1 if training.first_step else 0
    series = loss.values.between(first, training.last_step + 1)
    values = list(series.values)
    if len(values) < MINIMUM_EVALUATIONS or not all(map(math.isfinite, values)):
        return
    best = min(range(len(values)), key=values.__getitem__)
    after = len(values) - 1 - best
    now = median(values[-3:])
    if after < max(AFTER, SHARE_AFTER * len(values)) or values[best] <= 0 or now < RISE * values[best]:
        return
    # Not on its way back: the second half of what follows the best evaluation is not below the first.
    tail = values[best + 1 :]
    if median(tail[len(tail) // 2 :]) < 0.95 * median(tail[: len(tail) // 2]):
        return
    trained = _training_loss(run, training, series.steps[best], training.last_step)
    if trained is None or trained[1] > (1 - TRAINING_FALL) * trained[0]:
        return
    if now < trained[1]:
        return  # held-out data are still done better than those trained on: noise of few examples, or of the steps
    scores = loss.accuracy.between(first, training.last_step + 1).values
    sound = [score for score in scores if math.isfinite(score)]
    # Surer wrong answers raise the loss while as many answers as before are right.
    held = len(sound) == len(values) and median(sound[-3:]) >= sound[best]
    site = loss.site
    yield Finding(
        "TRN002",
        data={
            "best": values[best],
            "best_step": series.steps[best],
            "now": now,
            "step": series.steps[-1],
            "evaluations": after,
            "training_then": trained[0],
            "training_now": trained[1],
            **({"accuracy_then": sound[best], "accuracy_now": median(sound[-3:])} if len(sound) == len(values) else {}),
        },
        place=at(site, series.between(series.steps[best], series.steps[-1])),
        confidence=Confidence.CERTAIN if now > 1.5 * values[best] else Confidence.LIKELY,
        severity=Severity.HINT if held else None,
    )


def check(run: Run) -> Iterator[Finding]:
    for training in run.trainings:
        if training.adversarial or len(training.losses) != 1:
            continue
        if run.restored is not None and run.restored > training.last_step:
            continue  # other weights, most likely the best, were put back at the end
        course = progress(run, training)
        if course is None:
            continue
        for loss in run.losses:
            if loss.index in training.evaluations and loss.kind == course.stream.kind:
                yield from _judge(run, training, loss)


RULE = Rule(
    code="TRN002",
    name="over-fitting",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "The evaluation loss was least at step {best_step} ({best}) and has risen to {now} over {evaluations} "
        "evaluations, while the training loss fell from {training_then} to {training_now}.",
        "评估损失在第 {best_step} 步最低（{best}），之后经过 {evaluations} 次评估升到 {now}，"
        "而训练损失从 {training_then} 降到 {training_now}。",
    ),
    why=Text(
        "Since then the model has been learning its training examples by heart: every further step makes it worse on "
        "data that it has not seen.",
        "从那时起，模型一直在死记训练样本：继续训练只会让它在没见过的数据上更差。",
    ),
    fix=Text(
        "Keep the weights of the best evaluation (`torch.save(model.state_dict(), path)` whenever the loss is the "
        "least "
        "so far) and stop a few evaluations later; then add weight decay, dropout, augmentation or data.",
        "保存评估损失最低时的权重（每次创新低时 `torch.save(model.state_dict(), path)`），"
        "之后再过几次评估就停止训练；并加入权重衰减、dropout、数据增强或更多数据。",
    ),
    bad="""\
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
x = torch.randn(360, 10)
y = x[:, :2].sum(1, keepdim=True) + 1.5 * torch.randn(360, 1)
train = DataLoader(TensorDataset(x[:60], y[:60]), batch_size=20, shuffle=True)
valid = DataLoader(TensorDataset(x[60:], y[60:]), batch_size=100)
net = nn.Sequential(nn.Linear(10, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 1))
criterion = nn.MSELoss()
optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
for epoch in range(80):
    net.train()
    for inputs, targets in train:
        loss = criterion(net(inputs), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    net.eval()
    with torch.no_grad():
        held_out = sum(criterion(net(inputs), targets).item() for inputs, targets in valid) / len(valid)
    if epoch % 10 == 0:
        print(epoch, loss.item(), held_out)
""",
    good="""\
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
x = torch.randn(1500, 30)
y = x[:, :2].sum(1, keepdim=True) + 0.5 * torch.randn(1500, 1)
train = DataLoader(TensorDataset(x[:1200], y[:1200]), batch_size=50, shuffle=True)
valid = DataLoader(TensorDataset(x[1200:], y[1200:]), batch_size=100)
net = nn.Sequential(nn.Linear(30, 32), nn.ReLU(), nn.Linear(32, 1))
criterion = nn.MSELoss()
optimizer = torch.optim.Adam(net.parameters(), lr=2e-3, weight_decay=1e-4)
for epoch in range(12):
    net.train()
    for inputs, targets in train:
        loss = criterion(net(inputs), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    net.eval()
    with torch.no_grad():
        held_out = sum(criterion(net(inputs), targets).item() for inputs, targets in valid) / len(valid)
    print(epoch, loss.item(), held_out)
""",
    links=("https://www.deeplearningbook.org/contents/regularization.html",),
    needs=("loss",),
)
