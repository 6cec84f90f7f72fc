"""LLM020: a model is asked without what every one of its training sequences begins with."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

BATCHES = 8
ROWS = 128
"""Sequences trained on that all begin with one token: by chance, of a vocabulary of ten, no eight of them do."""
ASKED = 8
"""Sequences asked for, of which none has it."""


def check(run: Run) -> Iterator[Finding]:
    for begun in run.beginnings:
        if begun.batches < BATCHES or begun.rows < ROWS or begun.asked < ASKED or begun.having:
            continue
        name = next((model.name for model in run.models if model.index == begun.model), "model")
        yield Finding(
            "LLM020",
            data={"model": name, "token": begun.token, "rows": begun.rows, "asked": begun.asked},
            place=at(begun.site),
            confidence=Confidence.LIKELY,
        )


RULE = Rule(
    code="LLM020",
    name="asked-without-its-beginning",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "All {rows} sequences that `{model}` was seen to be trained on begin with token {token}; none of the {asked} that "
        "it is asked for here has it.",
        "所见的 `{model}` 的 {rows} 条训练序列都以 token {token} 开头；而这里送入它的 {asked} 条序列中一条也没有这个 token。",
    ),
    why=Text(
        "A start token, a chat template or a prefix is part of what the model has learned from. Without it every position "
        "is one place further on, and the model reads something that it has never seen.",
        "起始 token、聊天模板或前缀是模型学习内容的一部分。缺了它，每个位置都前移一位，模型读到的是从未见过的输入。",
    ),
    fix=Text(
        "Prepare what the model is asked in the same way as its training data: the same tokenizer call with its special "
        "tokens, `tokenizer.apply_chat_template(..., add_generation_prompt=True)`, or `ids = "
        "torch.cat([start.expand(len(ids), 1), ids], dim=1)`.",
        "推理或评估时的输入要与训练数据用同样的方式准备：同样地调用分词器并带上特殊 token，"
        "`tokenizer.apply_chat_template(..., add_generation_prompt=True)`，或 "
        "`ids = torch.cat([start.expand(len(ids), 1), ids], dim=1)`。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)
VOCAB, START, LENGTH = 12, 11, 12


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.tokens, self.rnn = nn.Embedding(VOCAB, 32), nn.GRU(32, 64, batch_first=True)
        self.head = nn.Linear(64, VOCAB)

    def forward(self, ids):
        return self.head(self.rnn(self.tokens(ids))[0])


def texts(count):
    first, step = torch.randint(0, 10, (count, 1)), torch.randint(1, 4, (count, 1))
    words = (first + step * torch.arange(LENGTH)) % 10
    return torch.cat([torch.full((count, 1), START), words], dim=1)


model = Model()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for step in range(300):
    ids = texts(32)
    loss = nn.functional.cross_entropy(model(ids[:, :-1]).flatten(0, 1), ids[:, 1:].flatten())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
model.eval()
asked = torch.zeros(32, 4, dtype=torch.long)
asked[:, -3:] = torch.tensor([2, 4, 6])
with torch.no_grad():
    for _ in range(4):
        best = model(asked)[:, -1].argmax(-1, keepdim=True)
        asked = torch.cat([asked, best], dim=1)
print(loss.item(), asked[0].tolist())
""",
    good="""\
import torch
from torch import nn

torch.manual_seed(0)
VOCAB, START, LENGTH = 12, 11, 12


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.tokens, self.rnn = nn.Embedding(VOCAB, 32), nn.GRU(32, 64, batch_first=True)
        self.head = nn.Linear(64, VOCAB)

    def forward(self, ids):
        return self.head(self.rnn(self.tokens(ids))[0])


def texts(count):
    first, step = torch.randint(0, 10, (count, 1)), torch.randint(1, 4, (count, 1))
    words = (first + step * torch.arange(LENGTH)) % 10
    return torch.cat([torch.full((count, 1), START), words], dim=1)


model = Model()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for step in range(300):
    ids = texts(32)
    loss = nn.functional.cross_entropy(model(ids[:, :-1]).flatten(0, 1), ids[:, 1:].flatten())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
model.eval()
asked = torch.zeros(32, 4, dtype=torch.long)
asked = torch.cat([torch.full((32, 1), START), asked], dim=1)
asked[:, -3:] = torch.tensor([2, 4, 6])
with torch.no_grad():
    for _ in range(4):
        best = model(asked)[:, -1].argmax(-1, keepdim=True)
        asked = torch.cat([asked, best], dim=1)
print(loss.item(), asked[0].tolist())
""",
    links=("https://huggingface.co/docs/transformers/chat_templating",),
    needs=("modules",),
)
