"""TRN016: the only score of a program is that of the batches it learns from; nothing is held out."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

PASSES = 3
"""Over the training data. In the first the model has not seen the examples yet, so that their score is an honest one
(prequential evaluation; Dawid, 1984); it is from the second on that it knows them."""
SEEN = 2
"""Sampled steps with a score of this kind."""


def check(run: Run) -> Iterator[Finding]:
    scored = run.scored_in_training
    if not run.clean_end or scored is None or scored.times < SEEN or run.unused_loaders or run.learners:
        return
    calls = [model.calls for model in run.models]
    if not calls or any(one.training_no_backward + one.eval_no_grad + one.eval_graph_unused for one in calls):
        return
    loader = max((one for one in run.loaders if one.trains), key=lambda one: one.iterations, default=None)
    if loader is not None and loader.iterations >= PASSES and len(run.loaders) == 1:
        yield Finding(
            "TRN016",
            data={"passes": loader.iterations, "steps": run.steps, "metric": scored.name},
            place=at(scored.site or loader.site),
            confidence=Confidence.LIKELY,
        )


RULE = Rule(
    code="TRN016",
    name="scored-on-training-batches",
    severity=Severity.HINT,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "nothing is held out: in {passes} passes over the training data no model was called on anything but the batches it learns from, "
        "and the only score the program computes is of these.",
        "没有留出任何数据：训练数据被遍历了 {passes} 遍，模型只在它学习所用的批次上被调用过，程序计算的唯一得分也来自这些批次。",
    ),
    why=Text(
        "From the second pass on the model has seen every example that it is scored on. Such a score says how much was learned by heart: it rises on and on while "
        "the model gets worse on new data, and weights chosen by it are the most over-fitted ones.",
        "从第二遍开始，用来打分的每个样本模型都已经见过。这样的得分只说明记住了多少：即使模型在新数据上变差，它也会一直上升；按它挑选的权重正是过拟合最严重的。",
    ),
    fix=Text(
        "Set some examples aside before training (whole patients, days or users where rows belong together) and compute the score on them after each pass, in `model.eval()` and `torch.no_grad()`.",
        "训练前留出一部分样本（若若干行属于同一患者、同一天或同一用户，则整组留出），每遍之后在 `model.eval()` 和 `torch.no_grad()` 下用它们计算得分。",
    ),
    bad="""\
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
x = torch.randn(600, 10)
y = (x[:, 0] * x[:, 1] + x[:, 2] + 0.5 * torch.randn(600) > 0).long()
loader = DataLoader(TensorDataset(x, y), batch_size=30, shuffle=True)
model = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)

for epoch in range(15):
    right = 0
    for inputs, labels in loader:
        logits = model(inputs)
        loss = nn.functional.cross_entropy(logits, labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        right += (logits.argmax(1) == labels).sum().item()
    print(f"epoch {epoch}: accuracy {right / 600:.3f}")
""",
    good="""\
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
x = torch.randn(1000, 10)
y = (x[:, 0] * x[:, 1] + x[:, 2] + 0.5 * torch.randn(1000) > 0).long()
loader = DataLoader(TensorDataset(x[:600], y[:600]), batch_size=30, shuffle=True)
model = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)

for epoch in range(15):
    right = 0
    for inputs, labels in loader:
        logits = model(inputs)
        loss = nn.functional.cross_entropy(logits, labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        right += (logits.argmax(1) == labels).sum().item()
    with torch.no_grad():
        held_out = (model(x[600:]).argmax(1) == y[600:]).float().mean()
    print(f"epoch {epoch}: accuracy {right / 600:.3f}, held out {held_out:.3f}")
""",
    links=("https://scikit-learn.org/stable/modules/cross_validation.html",),
    needs=("loader", "modules"),
    preview=True,
)
