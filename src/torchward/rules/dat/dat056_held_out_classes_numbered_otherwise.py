"""DAT056: the numbers of the classes mean others in the held-out data than in the training data."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from statistics import median

from torchward.facts import Named, Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

OF_CLASS = 10
"""Examples of a class, at least."""
MOVED, SHARE = 2, 0.6
"""Classes, at least, of which so large a part is taken for one and the same other class."""
LEARNED = 0.6
"""Share of right answers in training from which on a model knows the classes."""
AS_GOOD = 0.8
"""Part of that share which is right of the held-out examples, too, if their classes are renamed."""
BETTER = 0.25
"""Share of the held-out examples that are right only then."""


def check(run: Run) -> Iterator[Finding]:
    if any(training.adversarial for training in run.trainings) or _attacked(run):
        return
    for loss in run.losses:
        right = [value for value in loss.accuracy.values if math.isfinite(value)]
        if not loss.training or loss.judges is None or len(right) < 5:
            continue
        model, trained = loss.judges[0], median(right[-5:])
        last = max((one for one in run.class_answers if one.model == model), key=lambda one: one.step, default=None)
        if trained < LEARNED or last is None:
            continue
        for table in (last.missed, last.classes):
            moved = _renamed(table, trained)
            if moved:
                examples = sum(one.examples for one in table.values())
                yield Finding(
                    "DAT056",
                    data={
                        "trained": trained,
                        "right": sum(one.right for one in table.values()) / examples,
                        "renamed": sum(one.times for one in table.values()) / examples,
                        "examples": examples,
                        "pairs": tuple(f"{one}→{named.most}" for one, named in moved.items())[:8],
                    },
                    place=at(next((one.site for one in run.answers if one.model == model), loss.site)),
                    confidence=Confidence.LIKELY,
                )
                return


def _attacked(run: Run) -> bool:
    """Passes of gradients that no step follows, in a run that takes one for each step: they may be those of an attack,
    which has each class taken for the next."""
    passes = [sum(name == "backward" for name, _ in cycle.events) for cycle in run.cycles]
    return bool(passes) and median(passes) <= 1 and any(one.most_backwards_between > 1 for one in run.optimizers)


def _renamed(table: Mapping[int, Named], trained: float) -> dict[int, Named]:
    """The classes that are taken for another, if they can be renamed so that nearly everything is right."""
    known = {one: named for one, named in table.items() if named.examples >= OF_CLASS}
    moved = {one: named for one, named in known.items() if named.most != one and named.times >= SHARE * named.examples}
    examples = sum(named.examples for named in known.values())
    if len(moved) < MOVED or len({named.most for named in known.values()}) < len(known):
        return {}
    renamed = sum(named.times for named in known.values()) / examples
    right = sum(named.right for named in known.values()) / examples
    return moved if renamed >= AS_GOOD * trained and renamed - right >= BETTER else {}


RULE = Rule(
    code="DAT056",
    name="held-out-classes-numbered-otherwise",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "In training {trained:.0%} of the answers are right, of {examples} evaluated examples {right:.0%}; but it would be "
        "{renamed:.0%} if their classes were renamed (true class→named class: {pairs}).",
        "训练中 {trained:.0%} 的回答正确，而评估的 {examples} 个样本中只有 {right:.0%}；但若把这些样本的类别重新编号，"
        "正确率会是 {renamed:.0%}（真实类别→预测类别：{pairs}）。",
    ),
    why=Text(
        "The model tells the held-out classes apart as well as those of training, and calls them by other numbers: each part of "
        "the data numbers its classes by itself (the names that it happens to hold, sorted, or in order of appearance), or its "
        "labels were shifted. The score says little of the model.",
        "模型区分留出数据类别的能力与训练数据一样好，只是用了别的编号：数据的每一部分各自给类别编号（按自己恰好包含的名称排序，或按出现顺序），"
        "或者标签被移位了。这样的分数几乎不能说明模型的好坏。",
    ),
    fix=Text(
        "Make the mapping from names to numbers once, from the training data (`classes = sorted(set(train_names))`, or one "
        "`LabelEncoder` that is fitted there), and use it for every part.",
        "只根据训练数据建立一次名称到编号的映射（`classes = sorted(set(train_names))`，或在训练数据上拟合一个 `LabelEncoder`），"
        "并用于每一部分数据。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)
names = ["ash", "beech", "cedar", "elm", "fir", "larch"]
centres = 2 * torch.randn(6, 8)


def measure(kinds, trees):
    drawn = torch.tensor(kinds)[torch.randint(0, len(kinds), (trees,))]
    return centres[drawn] + torch.randn(trees, 8), [names[kind] for kind in drawn.tolist()]


def prepare(values, kinds):
    number = {name: place for place, name in enumerate(sorted(set(kinds)))}
    return values, torch.tensor([number[kind] for kind in kinds])


x, y = prepare(*measure([0, 1, 2, 3, 4, 5], 2000))
held_x, held_y = prepare(*measure([0, 2, 3, 4, 5], 500))
model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 6))
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
for epoch in range(8):
    model.train()
    for rows in torch.randperm(2000).split(50):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        print(epoch, (model(held_x).argmax(1) == held_y).float().mean().item())
""",
    good="""\
import torch
from torch import nn

torch.manual_seed(0)
names = ["ash", "beech", "cedar", "elm", "fir", "larch"]
centres = 2 * torch.randn(6, 8)
number = {name: place for place, name in enumerate(names)}


def measure(kinds, trees):
    drawn = torch.tensor(kinds)[torch.randint(0, len(kinds), (trees,))]
    return centres[drawn] + torch.randn(trees, 8), [names[kind] for kind in drawn.tolist()]


def prepare(values, kinds):
    return values, torch.tensor([number[kind] for kind in kinds])


x, y = prepare(*measure([0, 1, 2, 3, 4, 5], 2000))
held_x, held_y = prepare(*measure([0, 2, 3, 4, 5], 500))
model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 6))
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
for epoch in range(8):
    model.train()
    for rows in torch.randperm(2000).split(50):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        print(epoch, (model(held_x).argmax(1) == held_y).float().mean().item())
""",
    links=("https://scikit-learn.org/stable/modules/generated/sklearn.preprocessing.LabelEncoder.html",),
    explains=("TRN002", "TRN006", "TRN013", "TRN019", "DAT023", "DAT047"),
    needs=("loss",),
    preview=True,
)
