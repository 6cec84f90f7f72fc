"""MOD007: the model is evaluated with dropout and batch norm still in train mode."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Model, Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

MINIMUM_CALLS = 3
"""Calls without a backward pass: one or two are the dry run that lazy layers or a printed summary need."""


def _extra_every_step(run: Run, model: Model) -> bool:
    """Most steps call the model more often than they train on: pseudo-labels, consistency targets, rollouts."""
    counts = [
        (
            sum(event == ("forward", model.index) for event in cycle.events),
            sum(name == "backward" for name, _ in cycle.events),
        )
        for cycle in run.cycles
    ]
    return 2 * sum(forward > max(1, backward) for forward, backward in counts) > len(counts)


def _original(run: Run, model: Model) -> Model | None:
    """The trained model that this one is, or is a copy of, such as an average of its weights: the same layers."""
    if model.in_trainings:
        return model
    alike = [
        one
        for one in run.models
        if one.in_trainings
        and (one.kind, one.parameters, one.dropout_or_norm) == (model.kind, model.parameters, model.dropout_or_norm)
    ]
    # Layers alone may be those of a teacher, or of a student of the same size: whoever calls `eval` means to judge one.
    return alike[0] if len(alike) == 1 and alike[0].eval_call is not None else None


def check(run: Run) -> Iterator[Finding]:
    for model in run.models:
        original = _original(run, model)
        if original is None or not model.dropout_or_norm:
            continue
        trainings = [training for training in run.trainings if training.index in original.in_trainings]
        if any(training.adversarial or len(training.optimizers) > 1 for training in trainings):
            continue
        calls = model.calls
        # Of calls with gradients enabled it is only known that nothing came of them.
        sure = calls.training_no_grad >= MINIMUM_CALLS
        ungraded = calls.training_no_grad if sure else calls.training_no_backward
        if (
            ungraded < MINIMUM_CALLS
            or original.calls.training_with_backward < MINIMUM_CALLS
            or calls.eval_no_grad
            or calls.eval_graph_unused
            or model.own_mode_modules >= len(model.dropout_or_norm)
            or _extra_every_step(run, model)
            or 2 * calls.training_asked_again > calls.training_no_grad
        ):
            continue
        site = model.eval_sites[0] if model.eval_sites else model.site
        yield Finding(
            "MOD007",
            data={
                "model": model.name,
                "calls": ungraded,
                "modules": model.dropout_or_norm[:8],
                "count": len(model.dropout_or_norm),
                "eval_called": model.eval_call is not None,
            },
            place=at(site),
            confidence=Confidence.LIKELY if sure else Confidence.POSSIBLE,
        )


RULE = Rule(
    code="MOD007",
    name="evaluated-in-train-mode",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "`{model}` is called without training on the result while in train mode ({calls} calls seen, none in eval "
        "mode): {count} of its modules behave differently then ({modules}).",
        "`{model}` 在 train 模式下被调用却不用于训练（看到 {calls} 次，eval 模式下一次也没有）："
        "它有 {count} 个模块在该模式下行为不同（{modules}）。",
    ),
    why=Text(
        "With dropout on, the measured score is that of a damaged model and differs from call to call; batch norm "
        "normalises each test batch by itself and takes the test data into its running statistics.",
        "dropout 仍然生效时，测得的指标属于一个被削弱的模型，而且每次不同；batch norm 会用测试批次自身的统计量归一化，"
        "并把测试数据计入滑动统计量。",
    ),
    fix=Text(
        "Call `{model}.eval()` before the evaluation, and `{model}.train()` before training goes on.",
        "在评估之前调用 `{model}.eval()`，继续训练之前再调用 `{model}.train()`。",
    ),
    bad="""\
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)


class TextNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(50, 16)
        self.dropout = nn.Dropout(0.3)
        self.out = nn.Linear(16, 2)

    def forward(self, tokens):
        return self.out(self.dropout(self.embed(tokens).mean(1)))


tokens = torch.randint(0, 50, (1200, 12))
labels = (torch.randn(50)[tokens].sum(1) > 0).long()
train_loader = DataLoader(TensorDataset(tokens[:1000], labels[:1000]), batch_size=40, shuffle=True)
test_loader = DataLoader(TensorDataset(tokens[1000:], labels[1000:]), batch_size=50)
net = TextNet()
optimizer = torch.optim.Adam(net.parameters(), lr=2e-2)
loss_fn = nn.CrossEntropyLoss()
for epoch in range(8):
    for batch, label in train_loader:
        optimizer.zero_grad()
        loss = loss_fn(net(batch), label)
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        right = sum((net(batch).argmax(1) == label).sum().item() for batch, label in test_loader)
    print(epoch, right / 200)
""",
    good="""\
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)


class TextNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(50, 16)
        self.dropout = nn.Dropout(0.3)
        self.out = nn.Linear(16, 2)

    def forward(self, tokens):
        return self.out(self.dropout(self.embed(tokens).mean(1)))


tokens = torch.randint(0, 50, (1200, 12))
labels = (torch.randn(50)[tokens].sum(1) > 0).long()
train_loader = DataLoader(TensorDataset(tokens[:1000], labels[:1000]), batch_size=40, shuffle=True)
test_loader = DataLoader(TensorDataset(tokens[1000:], labels[1000:]), batch_size=50)
net = TextNet()
optimizer = torch.optim.Adam(net.parameters(), lr=2e-2)
loss_fn = nn.CrossEntropyLoss()
for epoch in range(8):
    net.train()
    for batch, label in train_loader:
        optimizer.zero_grad()
        loss = loss_fn(net(batch), label)
        loss.backward()
        optimizer.step()
    net.eval()
    with torch.no_grad():
        right = sum((net(batch).argmax(1) == label).sum().item() for batch, label in test_loader)
    print(epoch, right / 200)
""",
    links=("https://docs.pytorch.org/docs/stable/generated/torch.nn.Module.html#torch.nn.Module.eval",),
    needs=("modules",),
)
