"""MOD028: the weights of embedding and output layer are copies, where they were to be the same."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import LeafProbe
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at


def check(probe: LeafProbe) -> Iterator[Finding]:
    if not probe.copied:
        return
    table, _, layer = probe.copied[0].partition(", ")
    yield Finding(
        "MOD028",
        data={"model": probe.model, "table": table, "layer": layer},
        place=at(probe.site, module=layer),
        confidence=Confidence.LIKELY,
    )


RULE = Rule(
    code="MOD028",
    name="weights-copied-not-tied",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "`{layer}` of `{model}` began with the very values of `{table}`, but holds a copy of them: the two are "
        "trained apart.",
        "`{model}` 的 `{layer}` 初始值与 `{table}` 完全相同，但只是一份拷贝：两者各自训练，会越离越远。",
    ),
    why=Text(
        "Tied weights are one parameter with two uses. Copied by value (`.data = ...clone()`, `copy_`, or a "
        "checkpoint loaded after tying) they are two, and drift apart from the first step on.",
        "绑定权重是一个参数、两处使用。按值复制（`.data = ...clone()`、`copy_`，或绑定"
        "之后再加载检查点）得到的是两个参数，从第一步起就各走各的。",
    ),
    fix=Text(
        "Assign the parameter itself, as the last thing before the optimizer is made: `self.head.weight = "
        "self.embedding.weight`.",
        "直接赋值参数本身，并放在创建优化器之前的最后一步：`self.head.weight = self.embedding.weight`。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)
tokens = torch.randint(0, 40, (600, 13))
tokens[:, 1::2] = (tokens[:, 0:12:2] + 1) % 40


class Language(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(40, 32)
        self.rnn = nn.GRU(32, 32, batch_first=True)
        self.head = nn.Linear(32, 40, bias=False)
        self.head.weight.data = self.embedding.weight.data.clone()

    def forward(self, ids):
        return self.head(self.rnn(self.embedding(ids))[0])


model = Language()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(6):
    for rows in torch.randperm(600).split(30):
        ids = tokens[rows]
        scores = model(ids[:, :-1])
        loss = nn.functional.cross_entropy(scores.reshape(-1, 40), ids[:, 1:].reshape(-1))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    good="""\
import torch
from torch import nn

torch.manual_seed(0)
tokens = torch.randint(0, 40, (600, 13))
tokens[:, 1::2] = (tokens[:, 0:12:2] + 1) % 40


class Language(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(40, 32)
        self.rnn = nn.GRU(32, 32, batch_first=True)
        self.head = nn.Linear(32, 40, bias=False)
        nn.init.normal_(self.embedding.weight, std=0.2)
        self.head.weight = self.embedding.weight

    def forward(self, ids):
        return self.head(self.rnn(self.embedding(ids))[0])


model = Language()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(6):
    for rows in torch.randperm(600).split(30):
        ids = tokens[rows]
        scores = model(ids[:, :-1])
        loss = nn.functional.cross_entropy(scores.reshape(-1, 40), ids[:, 1:].reshape(-1))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    links=("https://docs.pytorch.org/docs/stable/generated/torch.nn.Embedding.html",),
    explains=("LOS007",),
    needs=("probes",),
    preview=True,
)
