"""DAT008: all examples of a batch are the same one."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

BATCHES = 5
CLASSES = ("cross_entropy", "nll_loss", "binary_cross_entropy", "binary_cross_entropy_with_logits")

QUANTITIES = ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss")


def check(run: Run) -> Iterator[Finding]:
    for pairs in run.pairs:
        inputs_alone = pairs.same_input if pairs.same_input == pairs.batches and pairs.inputs == 1 else 0
        batches = max(inputs_alone, pairs.one_example)
        if batches < BATCHES:
            continue
        loader = next((one for one in run.loaders if one.trains), None)
        # A quantity may be fitted to several draws for one input. A loader that has other examples in each batch collates them.
        buffered = loader is not None and pairs.pairs >= BATCHES
        if pairs.loss_kind not in CLASSES and not (pairs.loss_kind in QUANTITIES and buffered):
            continue
        model = next((one for one in run.models if one.index == pairs.model), None)
        if model is None or not model.in_trainings or any(training.adversarial for training in run.trainings):
            continue
        yield Finding(
            "DAT008",
            data={
                "model": model.name,
                "batches": batches,
                "inputs": pairs.pairs,
                "targets_too": batches > inputs_alone,
            },
            place=at((loader.site if loader is not None else None) or model.site),
            confidence=Confidence.LIKELY,
        )


RULE = Rule(
    code="DAT008",
    name="same-example-in-batch",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "In each of {batches} batches given to `{model}`, all examples have one and the same input.",
        "在给 `{model}` 的 {batches} 个批次中，每个批次内所有样本的输入都完全相同。",
    ),
    why=Text(
        "Equal inputs with different targets cannot be told apart, so that the model learns one answer for all; where the "
        "targets are equal too, a batch is worth one example. Most often the data set hands out one buffer that it "
        "overwrites for each example, or ignores the index.",
        "输入相同而目标不同的样本无法区分，模型只能学到一个统一的答案；如果目标也相同，一个批次就只相当于一个样本。"
        "最常见的原因是数据集每次返回同一块缓冲区并反复覆盖，或者忽略了索引。",
    ),
    fix=Text(
        "Return a new tensor from `__getitem__`: `return torch.from_numpy(buffer).clone(), label` (or `buffer.copy()`), "
        "and make sure that the index is used.",
        "让 `__getitem__` 返回新的张量：`return torch.from_numpy(buffer).clone(), label`（或 `buffer.copy()`），"
        "并确认用到了索引。",
    ),
    bad="""\
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

torch.manual_seed(0)


class Shapes(Dataset):
    def __init__(self):
        self.signals = torch.randn(1200, 20)
        self.labels = (self.signals[:, :10].sum(1) > 0).long()
        self.buffer = torch.empty(20)

    def __len__(self):
        return len(self.signals)

    def __getitem__(self, i):
        self.buffer.copy_(self.signals[i])
        return self.buffer, self.labels[i]


def collate(batch):
    signals, labels = zip(*batch)
    return torch.stack(signals), torch.stack(labels)


model = nn.Sequential(nn.Linear(20, 32), nn.ReLU(), nn.Linear(32, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(6):
    for x, y in DataLoader(Shapes(), batch_size=40, shuffle=True, collate_fn=collate):
        loss = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    good="""\
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

torch.manual_seed(0)


class Shapes(Dataset):
    def __init__(self):
        self.signals = torch.randn(1200, 20)
        self.labels = (self.signals[:, :10].sum(1) > 0).long()
        self.buffer = torch.empty(20)

    def __len__(self):
        return len(self.signals)

    def __getitem__(self, i):
        self.buffer.copy_(self.signals[i])
        return self.buffer.clone(), self.labels[i]


def collate(batch):
    signals, labels = zip(*batch)
    return torch.stack(signals), torch.stack(labels)


model = nn.Sequential(nn.Linear(20, 32), nn.ReLU(), nn.Linear(32, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(6):
    for x, y in DataLoader(Shapes(), batch_size=40, shuffle=True, collate_fn=collate):
        loss = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    links=("https://docs.pytorch.org/docs/stable/data.html",),
    explains=("DAT003", "DAT004", "DAT006", "TRN001", "TRN003", "TRN004"),
    needs=("probes",),
)
