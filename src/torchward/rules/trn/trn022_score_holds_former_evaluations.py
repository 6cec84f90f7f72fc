"""TRN022: a score is asked for after an evaluation while it still holds those before, of an earlier model."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

EARLIER = 2
"""Former evaluations that it holds, at least."""


def check(run: Run) -> Iterator[Finding]:
    kept = max(run.kept_scores, key=lambda one: one.earlier, default=None)
    if kept is not None and kept.earlier >= EARLIER:
        yield Finding(
            "TRN022",
            data={"metric": kept.name, "earlier": kept.earlier},
            place=at(kept.site, first=kept.step),
            confidence=Confidence.LIKELY,
        )


RULE = Rule(
    code="TRN022",
    name="score-holds-former-evaluations",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "`{metric}` is asked for its score after an evaluation while it still holds {earlier} former evaluations, with training "
        "in between: it is never reset.",
        "评估之后向 `{metric}` 取得分时，其中还累积着之前 {earlier} 次评估的结果，而这期间模型一直在训练：它从未被重置。",
    ),
    why=Text(
        "A metric adds up all that it is given until it is reset. The figure is an average over all models since the beginning: "
        "it lags behind, hides that the model gets worse, and the choice of the best epoch follows it.",
        "指标会累加所有输入，直到被重置。这样得到的数字是训练开始以来所有模型的平均：它总是滞后，掩盖模型变差的事实，"
        "而最佳轮次的选择也依据它。",
    ),
    fix=Text(
        "Call `metric.reset()` before each evaluation (or behind `compute()`).",
        "在每次评估之前（或 `compute()` 之后）调用 `metric.reset()`。",
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
    for inputs, target in training:
        loss = nn.functional.cross_entropy(model(inputs), target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        for inputs, target in held_out:
            accuracy.update(model(inputs), target)
    print(f"epoch {epoch}: loss {loss.item():.3f}, held out {accuracy.compute():.3f}")
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
    for inputs, target in training:
        loss = nn.functional.cross_entropy(model(inputs), target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    accuracy.reset()
    with torch.no_grad():
        for inputs, target in held_out:
            accuracy.update(model(inputs), target)
    print(f"epoch {epoch}: loss {loss.item():.3f}, held out {accuracy.compute():.3f}")
""",
    links=("https://lightning.ai/docs/torchmetrics/stable/pages/overview.html",),
    needs=("modules",),
    preview=True,
)
