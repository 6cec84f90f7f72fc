"""DAT055: the categories of held-out rows were numbered by themselves, not as those of the training rows."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

MOVED = 0.5
"""Share of the categories of both parts that have another number: in order of appearance nearly all have."""


def check(run: Run) -> Iterator[Finding]:
    found = [one for one in run.renumbered if one.moved >= MOVED * one.shared]
    trained = {parameter.module for parameter in run.parameters if parameter.optimizers}
    found = [one for one in found if one.layer in trained]
    # Of several models with tables of their own each may know the numbers of one part.
    several = (
        len({one.model for one in run.parameters if one.optimizers and one.module_kind.startswith("Embedding")}) > 1
    )
    if not found or several:
        return
    first = found[0]
    yield Finding(
        "DAT055",
        data={
            "column": first.column,
            "columns": len({one.column for one in found}),
            "layer": first.layer,
            "rows": first.rows,
            "others": first.other_rows,
            "shared": first.shared,
            "moved": first.moved,
        },
        place=at(first.site),
        confidence=Confidence.LIKELY,
    )


RULE = Rule(
    code="DAT055",
    name="categories-numbered-anew",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "`{layer}` was asked, in an evaluation, for the {rows} categories of column `{column}` as `factorize` numbered them by "
        "themselves; of the {shared} categories that also stand in the {others} rows numbered before or after, {moved} have "
        "another number there.",
        "评估时 `{layer}` 查询的是 `{column}` 列中 {rows} 行的类别编号，这些编号由单独一次 `factorize` 得到；"
        "另一次对 {others} 行编号时，共有的 {shared} 个类别中有 {moved} 个的编号不同。",
    ),
    why=Text(
        "`factorize` numbers categories in the order in which they come, so each part of the data gets numbers of its own. The "
        "embedding learns a row for each number of the training part; in the other part the same number means another category, "
        "and the model is given what belongs to somebody else.",
        "`factorize` 按出现顺序编号，因此数据的每一部分都会得到自己的编号。嵌入层按训练部分的编号学习每一行；"
        "在另一部分中，同一编号代表另一个类别，模型得到的是别的类别的向量。",
    ),
    fix=Text(
        "Number the categories once, by the training rows, and look the others up: `codes, names = pd.factorize(train[c])`, then "
        "`names.get_indexer(test[c])` (-1 for what is new), or `OrdinalEncoder().fit(train)` and `transform` for both.",
        "只按训练数据编号一次，其余部分查表：`codes, names = pd.factorize(train[c])`，然后 `names.get_indexer(test[c])`"
        "（新类别为 -1），或用 `OrdinalEncoder().fit(train)` 再对两部分 `transform`。",
    ),
    bad="""\
import numpy as np
import pandas as pd
import torch
from torch import nn

torch.manual_seed(0)
random = np.random.default_rng(0)
shops = np.array([f"shop {number}" for number in range(30)])
level, which = random.normal(size=30), random.integers(0, 30, 3000)
table = pd.DataFrame({"shop": shops[which], "size": random.normal(size=3000)})
table["sales"] = 2 * level[which] + table["size"] + 0.3 * random.normal(size=3000)
train, test = table.iloc[:2400], table.iloc[2400:]


def prepare(part):
    codes = pd.factorize(part["shop"])[0]
    rest = torch.tensor(part[["size", "sales"]].to_numpy(), dtype=torch.float32)
    return torch.tensor(codes), rest[:, :1], rest[:, 1]


class Sales(nn.Module):
    def __init__(self):
        super().__init__()
        self.shop = nn.Embedding(30, 8)
        self.head = nn.Sequential(nn.Linear(9, 32), nn.ReLU(), nn.Linear(32, 1))

    def forward(self, shop, size):
        return self.head(torch.cat([self.shop(shop), size], 1)).squeeze(1)


shop, size, sales = prepare(train)
held_out = prepare(test)
model = Sales()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(6):
    model.train()
    for rows in torch.randperm(len(shop)).split(50):
        loss = nn.functional.mse_loss(model(shop[rows], size[rows]), sales[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        print(epoch, loss.item(), (model(*held_out[:2]) - held_out[2]).square().mean().item())
""",
    good="""\
import numpy as np
import pandas as pd
import torch
from torch import nn

torch.manual_seed(0)
random = np.random.default_rng(0)
shops = np.array([f"shop {number}" for number in range(30)])
level, which = random.normal(size=30), random.integers(0, 30, 3000)
table = pd.DataFrame({"shop": shops[which], "size": random.normal(size=3000)})
table["sales"] = 2 * level[which] + table["size"] + 0.3 * random.normal(size=3000)
train, test = table.iloc[:2400], table.iloc[2400:]
names = pd.factorize(train["shop"])[1]


def prepare(part):
    codes = names.get_indexer(part["shop"])
    rest = torch.tensor(part[["size", "sales"]].to_numpy(), dtype=torch.float32)
    return torch.tensor(codes), rest[:, :1], rest[:, 1]


class Sales(nn.Module):
    def __init__(self):
        super().__init__()
        self.shop = nn.Embedding(30, 8)
        self.head = nn.Sequential(nn.Linear(9, 32), nn.ReLU(), nn.Linear(32, 1))

    def forward(self, shop, size):
        return self.head(torch.cat([self.shop(shop), size], 1)).squeeze(1)


shop, size, sales = prepare(train)
held_out = prepare(test)
model = Sales()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(6):
    model.train()
    for rows in torch.randperm(len(shop)).split(50):
        loss = nn.functional.mse_loss(model(shop[rows], size[rows]), sales[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        print(epoch, loss.item(), (model(*held_out[:2]) - held_out[2]).square().mean().item())
""",
    links=(
        "https://pandas.pydata.org/docs/reference/api/pandas.factorize.html",
        "https://scikit-learn.org/stable/modules/preprocessing.html#encoding-categorical-features",
    ),
    explains=("TRN002", "TRN006"),
    needs=("modules",),
    preview=True,
)
