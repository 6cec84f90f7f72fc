"""DAT042: a loader of other data was made and never used, while the model is judged on the training data."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

PASSES = 2


def check(run: Run) -> Iterator[Finding]:
    if not run.clean_end or not run.unused_loaders:
        return
    asked = sum(model.calls.eval_no_grad + model.calls.training_no_grad for model in run.models)
    trained = [loader for loader in run.loaders if loader.trains]
    if any(loader.idle_passes for loader in run.loaders if not loader.trains):
        return
    chosen = not asked and _chosen(run)
    for loader in trained:
        evaluates = asked >= PASSES and loader.idle_passes >= PASSES
        if not evaluates and not (chosen and loader.iterations >= PASSES):
            continue
        unused = max(run.unused_loaders, key=lambda one: one.examples)
        made = unused.site
        yield Finding(
            "DAT042",
            data={
                "passes": loader.iterations,
                "idle": loader.idle_passes,
                "examples": unused.examples,
                "made": f"{made.function}:{made.line}" if made is not None else "",
            },
            place=at(loader.idle_site or loader.site),
            confidence=Confidence.LIKELY,
            severity=None if evaluates else Severity.HINT,
        )


def _chosen(run: Run) -> bool:
    """Training was over when weights were put back: the best ones, by what was seen in training. No call of a model was
    without a backward pass, so there was nothing else to judge them by."""
    other = sum(model.calls.training_no_backward + model.calls.eval_graph_unused for model in run.models)
    return not other and run.restored is not None and run.restored >= run.steps > 0


RULE = Rule(
    code="DAT042",
    name="held-out-loader-unused",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "the loader made at {made} ({examples} other examples) was never used; scores come from the one that training uses, "
        "gone through {passes} times, {idle} of them without training.",
        "在 {made} 创建的加载器（另外 {examples} 个样本）从未使用；得分来自训练所用的加载器：它被遍历了 {passes} 次，其中 {idle} 次没有训练。",
    ),
    why=Text(
        "A score on the training data, or on batches just before they are learned from, says how well it was learned by heart. It keeps rising while the model gets worse "
        "on everything else, and early stopping never stops.",
        "在训练数据上（或在即将用来学习的批次上）的得分只说明记住了多少。即使模型在其他数据上越来越差，它也会继续上升，早停永远不会触发。",
    ),
    fix=Text(
        "Iterate over the held-out loader in the evaluation: `for x, y in val_loader:`.",
        "评估时遍历留出数据的加载器：`for x, y in val_loader:`。",
    ),
    bad="""\
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
x = torch.randn(900, 8)
y = x[:, :1] * x[:, 1:2] + 0.3 * torch.randn(900, 1)
loaders = {
    "train": DataLoader(TensorDataset(x[:700], y[:700]), batch_size=50, shuffle=True),
    "valid": DataLoader(TensorDataset(x[700:], y[700:]), batch_size=100),
}
model = nn.Sequential(nn.Linear(8, 64), nn.Tanh(), nn.Linear(64, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)


def run_epoch(train):
    total = 0.0
    for inputs, wanted in loaders["train"]:
        with torch.set_grad_enabled(train):
            loss = nn.functional.mse_loss(model(inputs), wanted)
        if train:
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        total += loss.item() * len(inputs)
    return total / len(loaders["train"].dataset)


for epoch in range(10):
    model.train()
    trained = run_epoch(True)
    model.eval()
    print(epoch, trained, run_epoch(False))
""",
    good="""\
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
x = torch.randn(900, 8)
y = x[:, :1] * x[:, 1:2] + 0.3 * torch.randn(900, 1)
loaders = {
    "train": DataLoader(TensorDataset(x[:700], y[:700]), batch_size=50, shuffle=True),
    "valid": DataLoader(TensorDataset(x[700:], y[700:]), batch_size=100),
}
model = nn.Sequential(nn.Linear(8, 64), nn.Tanh(), nn.Linear(64, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)


def run_epoch(part, train):
    total = 0.0
    for inputs, wanted in loaders[part]:
        with torch.set_grad_enabled(train):
            loss = nn.functional.mse_loss(model(inputs), wanted)
        if train:
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        total += loss.item() * len(inputs)
    return total / len(loaders[part].dataset)


for epoch in range(10):
    model.train()
    trained = run_epoch("train", True)
    model.eval()
    print(epoch, trained, run_epoch("train", False), run_epoch("valid", False))
""",
    links=("https://docs.pytorch.org/tutorials/beginner/introyt/trainingyt.html",),
    needs=("loader", "modules"),
    preview=True,
)
