"""DAT024: the sampler of the training data draws a small part of it, and no other loader has the rest."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Loader, Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

PART = 0.4
"""Share of the examples that training gets to see at most: half of them is a fold or a split."""
TOGETHER = 0.75
"""... and that all loaders over such a data set give: what is held out is in use, too."""
EXAMPLES = 200
FEWEST = 20
"""... where weights are missing: nothing else than the number of weights says so, and no chance is in it."""
ROUNDS = 3
"""Times the number of examples that a sampler of one's own must have drawn: by then chance gives 95 % of them (1 - 1/e^3),
and what was not drawn is not going to be."""


def check(run: Run) -> Iterator[Finding]:
    if not run.ended:
        return
    for loader in run.loaders:
        examples = loader.examples or 0
        short = loader.weights is not None and loader.weights[0] < examples
        if not loader.trains or examples < (FEWEST if short else EXAMPLES) or _seen(loader) > PART * examples:
            continue
        others = [one for one in run.loaders if (one.dataset_kind, one.examples) == (loader.dataset_kind, examples)]
        if short:  # one that goes through everything, to look at it, gives no reason for the missing weights
            others = [one for one in others if _seen(one) < examples]
        if sum(map(_seen, others)) > TOGETHER * examples:
            continue
        own = loader.distinct is not None
        yield Finding(
            "DAT024",
            data={
                "drawn": loader.draws // max(1, loader.iterations) if own else loader.drawn,
                "examples": examples,
                "seen": _seen(loader),
                "passes": loader.iterations,
            },
            place=at(loader.site),
            confidence=Confidence.LIKELY if own or short else Confidence.POSSIBLE,
            severity=Severity.WARNING if own or short else None,
        )


def _seen(loader: Loader) -> int:
    """Different examples that it has given, at most."""
    examples = loader.examples or 0
    within = loader.weights[1] if loader.weights is not None else examples
    if loader.distinct is not None and loader.draws >= ROUNDS * examples:
        return loader.distinct
    if loader.drawn is None or loader.drawn >= examples or loader.distributed:
        return min(examples, within)
    return loader.drawn if not loader.drawn_anew else min(examples, within, loader.drawn * max(1, loader.iterations))


RULE = Rule(
    code="DAT024",
    name="sampler-leaves-data-unused",
    severity=Severity.HINT,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "The sampler of this loader makes {drawn} draws a pass from {examples} examples: over {passes} passes training has "
        "seen {seen} of these {examples} at most, and no loader gives the others.",
        "这个加载器的采样器每轮从 {examples} 个样本中抽取 {drawn} 次：{passes} 轮训练最多见过其中 {seen} 个样本，"
        "其余样本没有任何加载器使用。",
    ),
    why=Text(
        "A model that sees a part of the data is as good as that part lets it be, and an epoch is shorter than it looks. It "
        "may be meant so; a wrong slice of the indices, or `num_samples` of another quantity, looks just the same. A "
        "`WeightedRandomSampler` draws row k by the k-th weight: given one weight per class, it knows the first few rows only.",
        "只见过部分数据的模型只能达到这部分数据所允许的水平，一个 epoch 也比看上去短。这可能是有意的；但索引切片写错，或者 `num_samples` "
        "误用了别的数量，看起来完全一样。`WeightedRandomSampler` 按第 k 个权重抽取第 k 行：如果每个类别只给一个权重，它就只会抽到最前面几行。",
    ),
    fix=Text(
        "Give the sampler all indices of the training part, `SubsetRandomSampler(train_indices)`, or "
        "`WeightedRandomSampler(weights, num_samples=len(weights))`, where all of it is meant; weights of classes become those "
        "of rows with `class_weights[labels]`.",
        "如果本意是使用全部训练数据，请把训练部分的所有索引都交给采样器：`SubsetRandomSampler(train_indices)`，或 "
        "`WeightedRandomSampler(weights, num_samples=len(weights))`；类别权重用 `class_weights[labels]` 变成每行的权重。",
    ),
    bad="""\
import torch
from torch import nn
from torch.utils.data import DataLoader, SubsetRandomSampler, TensorDataset

torch.manual_seed(0)
x = torch.randn(2000, 16)
y = (x @ torch.randn(16, 3)).argmax(1)
data = TensorDataset(x, y)
order = torch.randperm(2000).tolist()
held_out = len(data) // 5
train = DataLoader(data, batch_size=32, sampler=SubsetRandomSampler(order[held_out:][:held_out]))
test = DataLoader(data, batch_size=400, sampler=SubsetRandomSampler(order[:held_out]))
model = nn.Sequential(nn.Linear(16, 48), nn.ReLU(), nn.Linear(48, 3))
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
for epoch in range(15):
    model.train()
    for a, b in train:
        loss = nn.functional.cross_entropy(model(a), b)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        print(epoch, loss.item(), *(nn.functional.cross_entropy(model(a), b).item() for a, b in test))
""",
    good="""\
import torch
from torch import nn
from torch.utils.data import DataLoader, SubsetRandomSampler, TensorDataset

torch.manual_seed(0)
x = torch.randn(2000, 16)
y = (x @ torch.randn(16, 3)).argmax(1)
data = TensorDataset(x, y)
order = torch.randperm(2000).tolist()
held_out = len(data) // 5
train = DataLoader(data, batch_size=32, sampler=SubsetRandomSampler(order[held_out:]))
test = DataLoader(data, batch_size=400, sampler=SubsetRandomSampler(order[:held_out]))
model = nn.Sequential(nn.Linear(16, 48), nn.ReLU(), nn.Linear(48, 3))
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
for epoch in range(5):
    model.train()
    for a, b in train:
        loss = nn.functional.cross_entropy(model(a), b)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        print(epoch, loss.item(), *(nn.functional.cross_entropy(model(a), b).item() for a, b in test))
""",
    links=("https://docs.pytorch.org/docs/stable/data.html#torch.utils.data.SubsetRandomSampler",),
    needs=("loader",),
    preview=True,
)
