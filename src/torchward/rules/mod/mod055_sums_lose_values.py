"""MOD055: values are added in place at an index that names rows several times, and only one for each row is kept."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at


def check(run: Run) -> Iterator[Finding]:
    for stream in run.streams:
        if stream.lost is not None:
            rows, different = stream.lost
            yield Finding(
                "MOD055",
                data={"rows": rows, "different": different, "lost": rows - different},
                place=at(stream.site),
                confidence=Confidence.LIKELY,
            )
            return


RULE = Rule(
    code="MOD055",
    name="sums-lose-values",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "`sums[index] += values` was given {rows} rows of values for {different} different rows of the sum: {lost} of them are lost "
        "in each call.",
        "`sums[index] += values` 一次给出 {rows} 行值，而索引只指向 {different} 个不同的行：每次调用都有 {lost} 行值丢失。",
    ),
    why=Text(
        "Indexed assignment reads the old rows once, adds, and writes the results back one over the other, so of all values that "
        "belong to one row the last one stays. A node then hears one neighbour instead of all, and no gradient reaches the rest.",
        "带索引的赋值先把旧的行读出一次，相加后再逐个写回并互相覆盖，因此属于同一行的值只留下最后一个。"
        "于是一个节点只收到一个邻居的消息，其余的值也得不到梯度。",
    ),
    fix=Text(
        "`sums.index_add_(0, index, values)`, or `sums.index_put((index,), values, accumulate=True)`.",
        "改用 `sums.index_add_(0, index, values)`，或 `sums.index_put((index,), values, accumulate=True)`。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)
source, target = torch.randint(0, 40, (2, 240))
size = torch.randn(400, 40, 1)
around = torch.zeros(400, 40).index_add(1, target, size[:, source, 0])


class Around(nn.Module):
    def __init__(self):
        super().__init__()
        self.message = nn.Sequential(nn.Linear(1, 16), nn.ReLU(), nn.Linear(16, 16))
        self.head = nn.Sequential(nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 1))

    def forward(self, nodes):
        sums = torch.zeros(40, 16)
        sums[target] += self.message(nodes[source])
        return self.head(sums).squeeze(1)


model = Around()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
for step in range(400):
    graph = step % 400
    loss = nn.functional.mse_loss(model(size[graph]), around[graph])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(loss.item())
""",
    good="""\
import torch
from torch import nn

torch.manual_seed(0)
source, target = torch.randint(0, 40, (2, 240))
size = torch.randn(400, 40, 1)
around = torch.zeros(400, 40).index_add(1, target, size[:, source, 0])


class Around(nn.Module):
    def __init__(self):
        super().__init__()
        self.message = nn.Sequential(nn.Linear(1, 16), nn.ReLU(), nn.Linear(16, 16))
        self.head = nn.Sequential(nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 1))

    def forward(self, nodes):
        sums = torch.zeros(40, 16).index_add(0, target, self.message(nodes[source]))
        return self.head(sums).squeeze(1)


model = Around()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
for step in range(400):
    graph = step % 400
    loss = nn.functional.mse_loss(model(size[graph]), around[graph])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(loss.item())
""",
    links=("https://docs.pytorch.org/docs/stable/generated/torch.Tensor.index_put_.html",),
    explains=("TRN001", "TRN004"),
    needs=("loss",),
    preview=True,
)
