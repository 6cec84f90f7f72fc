"""MOD039: an output layer was tied to an embedding that was replaced afterwards."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at


def check(run: Run) -> Iterator[Finding]:
    for tie in run.lost_ties:
        model = next((one for one in run.models if one.index == tie.model), None)
        if model is None or not model.in_trainings:
            continue
        yield Finding(
            "MOD039",
            data={"model": model.name, "layer": tie.layer, "table": tie.table, "weights": tie.weights},
            place=at(model.site, module=tie.layer),
            confidence=Confidence.LIKELY,
        )


RULE = Rule(
    code="MOD039",
    name="tie-lost",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "`{layer}` of `{model}` was given the weight of an embedding ({weights} values) that is no part of the model any more: "
        "`{table}` has taken its place with weights of its own, and the two are trained apart.",
        "`{model}` 的 `{layer}` 曾与一个嵌入层共享权重（{weights} 个数值），但那个嵌入层已不在模型中："
        "取而代之的 `{table}` 有自己的权重，两者各自训练。",
    ),
    why=Text(
        "Tied weights are one parameter with two uses. Whoever replaces the embedding (`from_pretrained`, a larger vocabulary) "
        "breaks the tie: the output layer keeps the old matrix, which knows nothing of the new one.",
        "绑定权重是一个参数、两处使用。替换嵌入层（`from_pretrained`、扩大词表）就会打断绑定：输出层仍持有旧矩阵，与新矩阵毫无关系。",
    ),
    fix=Text(
        "Tie again after the embedding was replaced, before the optimizer is made: `{layer}.weight = {table}.weight`; or copy "
        "the new values into the old one: `with torch.no_grad(): {table}.weight.copy_(vectors)`.",
        "替换嵌入层之后、创建优化器之前重新绑定：`{layer}.weight = {table}.weight`；或者把新数值拷入原来的权重："
        "`with torch.no_grad(): {table}.weight.copy_(vectors)`。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)
tokens = torch.randint(0, 40, (600, 13))
tokens[:, 1::2] = (tokens[:, 0:12:2] + 1) % 40
vectors = torch.randn(40, 32)


class Language(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(40, 32)
        self.rnn = nn.GRU(32, 32, batch_first=True)
        self.head = nn.Linear(32, 40, bias=False)
        self.head.weight = self.embedding.weight

    def forward(self, tokens):
        return self.head(self.rnn(self.embedding(tokens))[0])


model = Language()
model.embedding = nn.Embedding.from_pretrained(vectors, freeze=False)
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(6):
    for rows in torch.randperm(600).split(30):
        scores = model(tokens[rows, :-1])
        loss = nn.functional.cross_entropy(scores.flatten(0, 1), tokens[rows, 1:].flatten())
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
vectors = torch.randn(40, 32)


class Language(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(40, 32)
        self.rnn = nn.GRU(32, 32, batch_first=True)
        self.head = nn.Linear(32, 40, bias=False)
        self.head.weight = self.embedding.weight

    def forward(self, tokens):
        return self.head(self.rnn(self.embedding(tokens))[0])


model = Language()
model.embedding = nn.Embedding.from_pretrained(vectors, freeze=False)
model.head.weight = model.embedding.weight
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(6):
    for rows in torch.randperm(600).split(30):
        scores = model(tokens[rows, :-1])
        loss = nn.functional.cross_entropy(scores.flatten(0, 1), tokens[rows, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    links=("https://arxiv.org/abs/1608.05859",),
    needs=("modules",),
    preview=True,
)
