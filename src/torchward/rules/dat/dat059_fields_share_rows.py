"""DAT059: fields of a table that has rows for each of them are given the same rows."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

FITS = (0.85, 1.02)
"""What the fields span together, as a share of the rows of the table: it was made with a row for each."""
SHARED = 0.03
"""Of these, the share that two fields have in common, at least."""


def check(run: Run) -> Iterator[Finding]:
    for one in run.fields:
        spans = [high - low + 1 for low, high in one.columns]
        met = {row for low, high in one.columns for row in range(low, high + 1)}
        shared = 1 - len(met) / sum(spans)
        # Places of a sequence all have the same rows, many times those of the table.
        apart = len(set(spans)) > 1 and any(low > 0 for low, _ in one.columns)
        if apart and FITS[0] * one.rows <= sum(spans) <= FITS[1] * one.rows and shared >= SHARED:
            yield Finding(
                "DAT059",
                data={
                    "table": one.name,
                    "rows": one.rows,
                    "fields": len(spans),
                    "spans": ", ".join(f"{low}-{high}" for low, high in one.columns[:8]),
                    "unused": one.rows - len(met),
                },
                place=at(one.site, module=one.name),
                confidence=Confidence.LIKELY,
            )
            return


RULE = Rule(
    code="DAT059",
    name="fields-share-rows",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "`{table}` has {rows} rows, one for each value of its {fields} fields, but the fields are given rows "
        "{spans}, which overlap: {unused} rows belong to nobody.",
        "`{table}` 有 {rows} 行，正好够 {fields} 个字段的每个取值各占一行，但各字段实际使用的行是 {spans}，互"
        "相重叠：有 {unused} 行没有任何字段使用。",
    ),
    why=Text(
        "Two things of different kinds then share one vector: what is learned for one of them is undone for "
        "the other. The offset of a field is the sum of the sizes of all fields before it, not the size of "
        "the last one.",
        "不同类型的两个取值共用一个向量：为其中一个学到的内容会被另一个破坏。一个字段的偏移量是它之前所有字段"
        "大小之和，而不是前一个字段的大小。",
    ),
    fix=Text(
        "`offsets = torch.tensor([0, *sizes]).cumsum(0)[:-1]`.",
        "改为 `offsets = torch.tensor([0, *sizes]).cumsum(0)[:-1]`。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)
sizes = [30, 50, 40]
ids = torch.stack([torch.randint(0, size, (3000,)) for size in sizes], 1)
effect = [torch.randn(size) for size in sizes]
y = sum(one[ids[:, place]] for place, one in enumerate(effect))
offsets = torch.tensor([0, *sizes[:-1]])


class Fields(nn.Module):
    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(sum(sizes), 8)
        self.head = nn.Sequential(nn.Linear(24, 32), nn.ReLU(), nn.Linear(32, 1))

    def forward(self, ids):
        return self.head(self.table(ids + offsets).flatten(1)).squeeze(1)


model = Fields()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
for epoch in range(8):
    for rows in torch.randperm(2400).split(40):
        loss = nn.functional.mse_loss(model(ids[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        print(epoch, loss.item(), nn.functional.mse_loss(model(ids[2400:]), y[2400:]).item())
""",
    good="""\
import torch
from torch import nn

torch.manual_seed(0)
sizes = [30, 50, 40]
ids = torch.stack([torch.randint(0, size, (3000,)) for size in sizes], 1)
effect = [torch.randn(size) for size in sizes]
y = sum(one[ids[:, place]] for place, one in enumerate(effect))
offsets = torch.tensor([0, *sizes[:-1]]).cumsum(0)


class Fields(nn.Module):
    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(sum(sizes), 8)
        self.head = nn.Sequential(nn.Linear(24, 32), nn.ReLU(), nn.Linear(32, 1))

    def forward(self, ids):
        return self.head(self.table(ids + offsets).flatten(1)).squeeze(1)


model = Fields()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
for epoch in range(8):
    for rows in torch.randperm(2400).split(40):
        loss = nn.functional.mse_loss(model(ids[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        print(epoch, loss.item(), nn.functional.mse_loss(model(ids[2400:]), y[2400:]).item())
""",
    links=("https://docs.pytorch.org/docs/stable/generated/torch.cumsum.html",),
    explains=(),
    needs=("modules",),
    preview=True,
)
