"""TRN009: the model is trained on the data that it is evaluated on."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Loader, Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

PASSES = 3
ALL = 0.9
"""Share of the batches after which the optimizer stepped."""
SIZE = 0.7
"""The held-out part is at most so large, relative to the other."""


def _trained(loader: Loader) -> bool:
    """Every batch of it is stepped on (the first of each pass has nothing to be compared with)."""
    counted = loader.fetched - loader.iterations
    return counted >= 2 * PASSES and loader.iterations >= PASSES and loader.stepped >= ALL * counted


def check(run: Run) -> Iterator[Finding]:
    if len(run.trainings) != 1 or run.trainings[0].adversarial:
        return
    stepped = [loader for loader in run.loaders if _trained(loader)]
    shuffled = [loader for loader in stepped if loader.shuffled]
    in_order = [loader for loader in stepped if loader.shuffled is False]
    if len(shuffled) != 1 or len(in_order) != 1:
        return
    training, held_out = shuffled[0], in_order[0]
    if abs(training.iterations - held_out.iterations) > 1 or training.dataset_kind != held_out.dataset_kind:
        return
    if not training.examples or not held_out.examples or held_out.examples > SIZE * training.examples:
        return
    yield Finding(
        "TRN009",
        data={
            "passes": held_out.iterations,
            "batches": held_out.stepped,
            "examples": held_out.examples,
            "training_examples": training.examples,
            "training_line": training.site.line if training.site is not None else 0,
        },
        place=at(held_out.site),
        confidence=Confidence.LIKELY,
    )


RULE = Rule(
    code="TRN009",
    name="evaluation-trains",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "The optimizer also steps on the batches of the second loader, of {examples} examples in fixed order "
        "({passes} passes, in turn with the shuffled one of {training_examples}): evaluation trains the model.",
        "优化器在第二个 loader 的批次上也会更新（{examples} 个样本，顺序固定，共 {passes} 遍，与含 {training_examples} 个样本的"
        "打乱的 loader 轮流）：评估时也在训练模型。",
    ),
    why=Text(
        "Once the model has been trained on the held-out examples, its score on them says nothing about new data, "
        "and over-fitting cannot be seen.",
        "模型一旦在留出的样本上训练过，这些样本上的得分就说明不了新数据上的表现，也无法看出过拟合。",
    ),
    fix=Text(
        "In the pass over the held-out data leave out `backward()` and `step()`: call `model.eval()` and compute under "
        "`with torch.no_grad():`. If both loaders are meant for training, shuffle both.",
        "遍历留出数据时不要调用 `backward()` 和 `step()`：先 `model.eval()`，再在 `with torch.no_grad():` 中计算。"
        "如果两个 loader 都用于训练，请都打乱。",
    ),
    bad="""\
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split

torch.manual_seed(0)
x = torch.randn(1000, 12)
y = (x @ torch.randn(12, 3) + torch.randn(1000, 3)).argmax(1)
train_set, held_out = random_split(TensorDataset(x, y), [800, 200])
train_loader = DataLoader(train_set, batch_size=40, shuffle=True)
held_out_loader = DataLoader(held_out, batch_size=40)
model = nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, 3))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)


def run_epoch(loader):
    right = 0
    for inputs, labels in loader:
        scores = model(inputs)
        loss = nn.functional.cross_entropy(scores, labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        right += (scores.argmax(1) == labels).sum().item()
    return right / len(loader.dataset)


for epoch in range(8):
    print(epoch, run_epoch(train_loader), run_epoch(held_out_loader))
""",
    good="""\
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split

torch.manual_seed(0)
x = torch.randn(1000, 12)
y = (x @ torch.randn(12, 3) + torch.randn(1000, 3)).argmax(1)
train_set, held_out = random_split(TensorDataset(x, y), [800, 200])
train_loader = DataLoader(train_set, batch_size=40, shuffle=True)
held_out_loader = DataLoader(held_out, batch_size=40)
model = nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, 3))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)


def run_epoch(loader, training):
    right = 0
    with torch.set_grad_enabled(training):
        for inputs, labels in loader:
            scores = model(inputs)
            loss = nn.functional.cross_entropy(scores, labels)
            if training:
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            right += (scores.argmax(1) == labels).sum().item()
    return right / len(loader.dataset)


for epoch in range(8):
    print(epoch, run_epoch(train_loader, True), run_epoch(held_out_loader, False))
""",
    links=("https://docs.pytorch.org/tutorials/beginner/introyt/trainingyt.html",),
    explains=("TRN002", "TRN001", "MOD003", "MOD006", "MOD010", "OPT007", "NUM002"),
    needs=("loader",),
    written=True,
    preview=True,
)
