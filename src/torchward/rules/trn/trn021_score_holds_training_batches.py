"""TRN021: a score is asked for after an evaluation while it still holds the batches of the training before."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at


def check(run: Run) -> Iterator[Finding]:
    mixed = max(run.mixed_scores, key=lambda one: (one.times, one.trained), default=None)
    if mixed is not None:
        yield Finding(
            "TRN021",
            data={"metric": mixed.name, "trained": mixed.trained, "evaluated": mixed.evaluated, "times": mixed.times},
            place=at(mixed.site, first=mixed.step),
            confidence=Confidence.LIKELY,
        )


RULE = Rule(
    code="TRN021",
    name="score-holds-training-batches",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "`{metric}` is asked for its score after an evaluation of {evaluated} batches while it still holds {trained} batches "
        "of training: it was not reset in between (seen {times} times).",
        "评估了 {evaluated} 个批次之后向 `{metric}` 取得分时，其中还累积着 {trained} 个训练批次：两者之间没有重置（出现了 {times} 次）。",
    ),
    why=Text(
        "A metric adds up all that it is given until it is reset. The figure is then one of training and held-out examples "
        "together, mostly of the former: over-fitting does not show in it, and checkpoints and early stopping follow it.",
        "指标会累加所有输入，直到被重置。这样得到的数字混合了训练样本和留出样本，而且以前者为主：过拟合在其中看不出来，"
        "而选择检查点和提前停止都依据它。",
    ),
    fix=Text(
        "Use one metric object for training and another for each evaluation, or call `metric.reset()` before the evaluation "
        "begins. In Lightning: `self.train_acc` and `self.val_acc`.",
        "训练用一个指标对象，每种评估各用另一个；或者在评估开始前调用 `metric.reset()`。在 Lightning 中：`self.train_acc` 和 `self.val_acc`。",
    ),
    bad="""\
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Accuracy:
    def __init__(self):
        self.reset()

    def reset(self):
        self.right = self.seen = 0

    def update(self, logits, target):
        self.right += (logits.argmax(1) == target).sum().item()
        self.seen += len(target)

    def compute(self):
        return self.right / self.seen


torch.manual_seed(0)
x = torch.randn(900, 12)
y = (x[:, 0] * x[:, 1] + 0.3 * torch.randn(900) > 0).long()
training = DataLoader(TensorDataset(x[:600], y[:600]), batch_size=30, shuffle=True)
held_out = DataLoader(TensorDataset(x[600:], y[600:]), batch_size=100)
model = nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
accuracy = Accuracy()
for epoch in range(8):
    model.train()
    accuracy.reset()
    for inputs, target in training:
        logits = model(inputs)
        loss = nn.functional.cross_entropy(logits, target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        accuracy.update(logits.detach(), target)
    trained = accuracy.compute()
    model.eval()
    with torch.no_grad():
        for inputs, target in held_out:
            accuracy.update(model(inputs), target)
    print(f"epoch {epoch}: training {trained:.3f}, held out {accuracy.compute():.3f}")
""",
    good="""\
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Accuracy:
    def __init__(self):
        self.reset()

    def reset(self):
        self.right = self.seen = 0

    def update(self, logits, target):
        self.right += (logits.argmax(1) == target).sum().item()
        self.seen += len(target)

    def compute(self):
        return self.right / self.seen


torch.manual_seed(0)
x = torch.randn(900, 12)
y = (x[:, 0] * x[:, 1] + 0.3 * torch.randn(900) > 0).long()
training = DataLoader(TensorDataset(x[:600], y[:600]), batch_size=30, shuffle=True)
held_out = DataLoader(TensorDataset(x[600:], y[600:]), batch_size=100)
model = nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
accuracy = Accuracy()
for epoch in range(8):
    model.train()
    accuracy.reset()
    for inputs, target in training:
        logits = model(inputs)
        loss = nn.functional.cross_entropy(logits, target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        accuracy.update(logits.detach(), target)
    trained = accuracy.compute()
    model.eval()
    accuracy.reset()
    with torch.no_grad():
        for inputs, target in held_out:
            accuracy.update(model(inputs), target)
    print(f"epoch {epoch}: training {trained:.3f}, held out {accuracy.compute():.3f}")
""",
    links=(
        "https://lightning.ai/docs/torchmetrics/stable/pages/overview.html",
        "https://lightning.ai/docs/torchmetrics/stable/pages/lightning.html",
    ),
    explains=(),
    needs=("modules",),
    preview=True,
)
