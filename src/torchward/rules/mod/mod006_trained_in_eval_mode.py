"""MOD006: gradients are computed with the model in eval mode."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

MINIMUM_SAMPLES = 3


def check(run: Run) -> Iterator[Finding]:
    loaded = {parameter.model for parameter in run.parameters if parameter.loaded}
    for model in run.models:
        if not model.dropout_or_norm or not model.in_trainings:
            continue
        count = model.eval_then_trained
        confidence, severity = Confidence.CERTAIN, None
        if count < MINIMUM_SAMPLES:
            count = model.eval_from_start
            # Trained in eval mode from the first step on: meant so, perhaps, where a model is loaded and tuned.
            if count < MINIMUM_SAMPLES or model.eval_then_trained or model.calls.training_with_backward:
                continue
            confidence = Confidence.LIKELY
            severity = Severity.HINT if model.index in loaded else None
        site = model.eval_call or model.site
        yield Finding(
            "MOD006",
            data={
                "model": model.name,
                "samples": count,
                "modules": model.dropout_or_norm[:8],
                "count": len(model.dropout_or_norm),
                "after_evaluation": model.eval_then_trained >= MINIMUM_SAMPLES,
            },
            place=at(site),
            confidence=confidence,
            severity=severity,
        )


RULE = Rule(
    code="MOD006",
    name="trained-in-eval-mode",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "`{model}` is trained in eval mode (seen at {samples} sampled steps); {count} of its modules behave "
        "differently then ({modules}).",
        "`{model}` 在 eval 模式下训练（在 {samples} 个采样步中看到）；它有 {count} "
        "个模块在该模式下行为不同（{modules}）。",
    ),
    why=Text(
        "In eval mode dropout does nothing and batch norm uses its running statistics without updating them, so the "
        "network trains without the regularisation, and with statistics that no longer fit the weights.",
        "在 eval 模式下，dropout 不起作用，batch norm 使用且不再更新滑动统计量："
        "训练失去了正则化，统计量也与权重越来越不符。",
    ),
    fix=Text(
        "Call `{model}.train()` at the start of every training epoch, after each `{model}.eval()`.",
        "在每个训练轮次开始时（每次 `{model}.eval()` 之后）调用 `{model}.train()`。",
    ),
    bad="""\
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
features = torch.randn(960, 20)
target = (features @ torch.randn(20, 5)).argmax(1)
train_set = DataLoader(TensorDataset(features[:768], target[:768]), batch_size=32, shuffle=True)
test_set = DataLoader(TensorDataset(features[768:], target[768:]), batch_size=64)

model = nn.Sequential(
    nn.Linear(20, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Dropout(0.2), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 5)
)
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
criterion = nn.CrossEntropyLoss()


def evaluate():
    model.eval()
    right = 0
    with torch.no_grad():
        for x, y in test_set:
            right += (model(x).argmax(1) == y).sum().item()
    return right / len(test_set.dataset)


model.train()
for epoch in range(10):
    for x, y in train_set:
        optimizer.zero_grad()
        criterion(model(x), y).backward()
        optimizer.step()
    print(f"epoch {epoch}: accuracy {evaluate():.3f}")
""",
    good="""\
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
features = torch.randn(960, 20)
target = (features @ torch.randn(20, 5)).argmax(1)
train_set = DataLoader(TensorDataset(features[:768], target[:768]), batch_size=32, shuffle=True)
test_set = DataLoader(TensorDataset(features[768:], target[768:]), batch_size=64)

model = nn.Sequential(
    nn.Linear(20, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Dropout(0.2), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 5)
)
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
criterion = nn.CrossEntropyLoss()


def evaluate():
    model.eval()
    right = 0
    with torch.no_grad():
        for x, y in test_set:
            right += (model(x).argmax(1) == y).sum().item()
    return right / len(test_set.dataset)


for epoch in range(10):
    model.train()
    for x, y in train_set:
        optimizer.zero_grad()
        criterion(model(x), y).backward()
        optimizer.step()
    print(f"epoch {epoch}: accuracy {evaluate():.3f}")
""",
    links=("https://docs.pytorch.org/docs/stable/generated/torch.nn.Module.html#torch.nn.Module.eval",),
    explains=("MOD003", "MOD004", "MOD029", "OPT008", "TRN001", "TRN002"),
    needs=("modules",),
)
