"""TRN019: every training example is answered right, and held-out ones are far from it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from statistics import median

from torchward.facts import Loss, Run, Training
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

SAMPLES = 6
"""Sampled training batches, the last ones, ..."""
PERFECT = 0.98
"""... of which so many answers are right."""
GAP = 0.15
"""By which fewer held-out answers are right. Of 1,000 recorded runs, six perfect ones lost a tenth or more, all broken."""
EVALUATIONS = 2
EXAMPLES = 100
"""Held-out ones: two deviations of the share of right answers are below 0.1 then."""
SURER = 10.0
"""Held-out loss over training loss: the answers are not only rarer right, they are wrong with certainty."""
DONE = 1.02
"""The last held-out loss over the least: it does not fall any more."""


def check(run: Run) -> Iterator[Finding]:
    for training in run.trainings:
        if training.adversarial or len(training.losses) != 1:
            continue
        stream = next((one for one in run.streams if one.index == training.losses[0]), None)
        if stream is None:
            continue
        losses = [one for one in run.losses if one.kind == stream.kind]
        right = [
            share
            for loss in losses
            if loss.index not in training.evaluations
            for share in loss.accuracy.between(training.first_step, training.last_step).values
        ][-SAMPLES:]
        values = stream.values.between(training.first_step, training.last_step).values
        lost = [value for value in values if math.isfinite(value)][-5 * SAMPLES :]
        if len(right) < SAMPLES or not lost or median(right) < PERFECT:
            continue
        held_out = [loss for loss in losses if loss.index in training.evaluations and loss.accuracy.values]
        if held_out and all(_apart(loss, training, median(right), median(lost)) for loss in held_out):
            loss = held_out[0]
            yield Finding(
                "TRN019",
                data={
                    "training": median(right),
                    "held_out": loss.accuracy.values[-1],
                    "training_loss": median(lost),
                    "held_out_loss": loss.values.values[-1],
                    "evaluations": len(loss.accuracy.values),
                },
                place=at(loss.site, loss.accuracy),
                confidence=Confidence.LIKELY,
            )


def _apart(loss: Loss, training: Training, right: float, lost: float) -> bool:
    """Its last evaluation is far behind what the training batches show, and was not about to catch up."""
    shares, values = loss.accuracy.values, [value for value in loss.values.values if math.isfinite(value)]
    if len(shares) < EVALUATIONS or not values or sum(loss.evaluated.values[-1:]) < EXAMPLES:
        return False
    worse = values[-1] >= SURER * max(lost, 1e-6) and values[-1] >= DONE * min(values)
    return worse and shares[-1] <= right - GAP


RULE = Rule(
    code="TRN019",
    name="memorised",
    severity=Severity.HINT,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "{training:.0%} of the last training answers are right (loss {training_loss:.3g}), but only {held_out:.0%} of the "
        "held-out ones (loss {held_out_loss:.3g}, which no longer falls): the training examples are known by heart.",
        "最近的训练样本有 {training:.0%} 答对（损失 {training_loss:.3g}），留出样本却只有 {held_out:.0%}"
        "（损失 {held_out_loss:.3g}，且不再下降）：模型已把训练样本背了下来。",
    ),
    why=Text(
        "Once every training example is answered right there is nothing left to learn from them, and what was learned is "
        "about these examples, not about the task. Too few of them, or a model too large for their number, is the usual "
        "reason; a limit that was set for debugging (`[:128]`, `max_samples`, `limit_train_batches`) is a frequent one.",
        "所有训练样本都答对之后，就再没有什么可学；学到的是这些样本本身，而不是任务。通常是样本太少，或模型相对样本数过大；"
        "常见的还有调试时留下的限制（`[:128]`、`max_samples`、`limit_train_batches`）。",
    ),
    fix=Text(
        "Compare `len(train_set)` with the data you have. Then add data or augmentation, dropout or weight decay, take a "
        "smaller model, and stop at the best held-out score.",
        "核对 `len(train_set)` 与实际拥有的数据量。然后增加数据或数据增强、dropout 或权重衰减，使用更小的模型，"
        "并在留出得分最好时停止。",
    ),
    bad="""\
import torch
from torch import nn
from torch.utils.data import DataLoader, Subset, TensorDataset

torch.manual_seed(0)
centres = torch.randn(5, 40)
labels = torch.randint(5, (3000,))
points = centres[labels] + 3.0 * torch.randn(3000, 40)
train_set = Subset(TensorDataset(points[:2000], labels[:2000]), range(96))
train = DataLoader(train_set, batch_size=32, shuffle=True)
held_out = DataLoader(TensorDataset(points[2000:], labels[2000:]), batch_size=250)
net = nn.Sequential(nn.Linear(40, 256), nn.ReLU(), nn.Linear(256, 5))
optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
for epoch in range(200):
    net.train()
    for inputs, targets in train:
        loss = nn.functional.cross_entropy(net(inputs), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    if epoch % 40 == 39:
        net.eval()
        with torch.no_grad():
            lost = [nn.functional.cross_entropy(net(inputs), targets).item() for inputs, targets in held_out]
        print(epoch, loss.item(), sum(lost) / len(lost))
""",
    good="""\
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
centres = torch.randn(5, 40)
labels = torch.randint(5, (3000,))
points = centres[labels] + 3.0 * torch.randn(3000, 40)
train = DataLoader(TensorDataset(points[:2000], labels[:2000]), batch_size=32, shuffle=True)
held_out = DataLoader(TensorDataset(points[2000:], labels[2000:]), batch_size=250)
net = nn.Sequential(nn.Linear(40, 64), nn.ReLU(), nn.Dropout(0.3), nn.Linear(64, 5))
optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3, weight_decay=0.05)
for epoch in range(10):
    net.train()
    for inputs, targets in train:
        loss = nn.functional.cross_entropy(net(inputs), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    if epoch % 2 == 1:
        net.eval()
        with torch.no_grad():
            lost = [nn.functional.cross_entropy(net(inputs), targets).item() for inputs, targets in held_out]
        print(epoch, loss.item(), sum(lost) / len(lost))
""",
    links=("https://www.deeplearningbook.org/contents/regularization.html",),
    explained_by=("TRN002", "TRN006", "TRN009", "TRN013", "DAT*", "MOD*", "LLM*", "DST*"),
    needs=("loss",),
    preview=True,
)
