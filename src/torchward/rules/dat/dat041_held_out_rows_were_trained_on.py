"""DAT041: rows on which the model is evaluated are rows that it was trained on."""

from __future__ import annotations

import math
from collections.abc import Iterator

from torchward.facts import Overlap, Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

BATCH = 20
"""Rows looked up in a batch, below which its share says little."""
REMEMBERED = 0.3
"""Share of the training rows that must be known for the same to be said of others."""
LEAST = 0.1
"""Share of rows in both from which on it is no coincidence: data sets collected with care still hold a few per cent of
doubles (Barz & Denzler 2020 found 3 % in CIFAR-10, 10 % in CIFAR-100)."""
MOST = 0.97
"""... up to which a batch is no part of the training data itself, on which it is usual to look, too ..."""
DEVIATIONS = 4.0
"""... being this many standard deviations below what a part of the training data would have reached."""
BATCHES = 3
OFTEN = 0.3
"""Share of the batches at one line of the program that are so: training data may be evaluated there, too, by turns."""
ROWS, DOUBLED = 200, 0.5
"""A single batch tells as much if it has so many rows, and so large a share of those known from training stand in it more
than once: examples were drawn several times before the split. Else it might be all data, on which a model is often looked at
once more in the end, and of which most was trained on."""
LATEST = 3
"""The last third of the batches is judged."""


def _share(rows: int, known: int, trained: int, remembered: int) -> float | None:
    """Share of the rows that are training rows: 0 if it is no more than a coincidence; None if all may be."""
    expected = remembered / trained
    share = known / rows / expected
    deviation = math.sqrt(max(expected * (1 - expected), 1 / trained) * (1 / rows + 1 / trained))
    apart = (expected - known / rows) / deviation
    if share < LEAST:
        return 0.0
    return share if share <= MOST and apart >= DEVIATIONS else None


def _shares(found: Overlap) -> list[float | None]:
    """Of batches that are large enough, without training data of another size, on which the same line looks, too."""
    columns = zip(found.rows, found.known, found.trained, found.remembered, strict=True)
    judged = [(row[0], _share(*row)) for row in columns if row[0] >= BATCH and row[3] >= REMEMBERED * row[2]]
    sizes = {rows for rows, share in judged if share}
    return [share for rows, share in judged if share is not None or rows in sizes]


def _drawn_before(found: Overlap) -> bool:
    columns = zip(found.rows, found.known, found.doubled, strict=False)
    return all(rows >= ROWS and doubled >= max(1, DOUBLED * known) for rows, known, doubled in columns)


def check(run: Run) -> Iterator[Finding]:
    for found in run.overlaps:
        # What was trained on is known the better, the later.
        shares = _shares(found)
        shares = shares[-max(BATCHES, len(shares) // LATEST) :]
        partly = [share for share in shares if share]
        if len(partly) < max(1 if _drawn_before(found) else BATCHES, OFTEN * len(shares)):
            continue
        if len(partly) < 4 * shares.count(0.0):
            continue
        model = next((one for one in run.models if one.index == found.model), None)
        # The answers for all data may be sorted out afterwards.
        whole = bool(found.all_data) and all(found.all_data)
        yield Finding(
            "DAT041",
            data={
                "model": model.name if model is not None else "",
                "share": min(1.0, sum(partly) / len(partly)),
                "rows": sum(found.rows),
                "batches": len(partly),
            },
            place=at(found.site),
            confidence=Confidence.POSSIBLE if whole else Confidence.LIKELY,
            severity=Severity.HINT if whole else None,
        )


RULE = Rule(
    code="DAT041",
    name="held-out-rows-were-trained-on",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "`{model}` is evaluated on rows that it was trained on: about {share:.0%} of the rows in {batches} evaluation "
        "batches ({rows} rows looked up) are equal, value by value, to training rows.",
        "`{model}` 的评估数据中混有训练过的样本：{batches} 个评估批次（查了 {rows} 行）中约 {share:.0%} 的行与训练数据逐值相同。",
    ),
    why=Text(
        "What was seen in training is no test: the score tells how much was learned by heart and is too good for new "
        "data. It happens when rows are repeated before the split, or when two splits are drawn separately.",
        "训练时见过的数据不能当作测试：得分反映的是记住了多少，用在新数据上会偏高。"
        "常见原因是先重复采样再划分，或两个划分是分别抽取的。",
    ),
    fix=Text(
        "Remove duplicates, split first, and only then over-sample or augment the training part: "
        "`train, test = train_test_split(rows.drop_duplicates(), ...)`; split by patient, user or day where rows belong "
        "together.",
        "先去重、再划分，最后只对训练部分做过采样或增强：`train, test = train_test_split(rows.drop_duplicates(), ...)`；"
        "若多行属于同一病人、用户或日期，则按其整体划分。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)
rows = torch.randn(600, 10)
kinds = (rows[:, 0] + rows[:, 1] * rows[:, 2] + 0.8 * torch.randn(600) > 0).long()
train = torch.randperm(600)[:450]
test = torch.randperm(600)[:150]  # a permutation of its own
model = nn.Sequential(nn.Linear(10, 64), nn.ReLU(), nn.Linear(64, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(16):
    model.train()
    for part in train[torch.randperm(450)].split(30):
        loss = nn.functional.cross_entropy(model(rows[part]), kinds[part])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        right = (model(rows[test]).argmax(1) == kinds[test]).float().mean().item()
    print(epoch, loss.item(), right)
""",
    good="""\
import torch
from torch import nn

torch.manual_seed(0)
rows = torch.randn(600, 10)
kinds = (rows[:, 0] + rows[:, 1] * rows[:, 2] + 0.8 * torch.randn(600) > 0).long()
order = torch.randperm(600)
train, test = order[:450], order[450:]
model = nn.Sequential(nn.Linear(10, 64), nn.ReLU(), nn.Linear(64, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(12):
    model.train()
    for part in train[torch.randperm(450)].split(30):
        loss = nn.functional.cross_entropy(model(rows[part]), kinds[part])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        right = (model(rows[test]).argmax(1) == kinds[test]).float().mean().item()
    print(epoch, loss.item(), right)
""",
    links=("https://arxiv.org/abs/1902.00423", "https://scikit-learn.org/stable/common_pitfalls.html#data-leakage"),
    explains=("TRN002",),
    needs=("modules",),
    preview=True,
)
