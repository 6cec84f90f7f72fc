"""LLM015: several texts are packed into one row, and each can see those before it."""

from __future__ import annotations

import math
from collections.abc import Iterator

from torchward.facts import TokenProbe
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

CHANGE = 1e-2
"""In deviations of the outputs; see LLM001."""
OVER_NOISE = 100.0


def check(probe: TokenProbe) -> Iterator[Finding]:
    across = probe.across
    if across is None or not math.isfinite(across) or across < max(CHANGE, OVER_NOISE * probe.noise):
        return
    yield Finding(
        "LLM015",
        data={"model": probe.model, "rows": probe.packed, "change": across},
        place=at(probe.site),
        confidence=Confidence.LIKELY,
    )


RULE = Rule(
    code="LLM015",
    name="packed-texts-see-each-other",
    severity=Severity.HINT,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "rows that are given to `{model}` hold several texts (their positions begin anew at 0), and these see each other: "
        "other tokens in the first text move outputs of the next by {change} standard deviations.",
        "输入 `{model}` 的每行打包了多段文本（位置编号会重新从 0 开始），但它们彼此可见："
        "改变第一段的 token，后面文本的输出变化了 {change} 个标准差。",
    ),
    why=Text(
        "Positions that begin anew say that the texts have nothing to do with each other. With a mask that is only causal "
        "each of them is predicted from unrelated texts too, and tokens of several texts share one position; alone, as at "
        "generation, a text meets other conditions than in training.",
        "位置重新编号说明各段文本互不相关。如果只有因果掩码，预测每段文本时会看到无关的文本，而且不同文本的 token 共用同一位置；"
        "生成时文本单独出现，条件与训练不同。",
    ),
    fix=Text(
        "Let a token see its own text only: with `number = (places == 0).cumsum(1)`, hide where "
        "`number[:, :, None] != number[:, None]`, besides the causal mask. Models of transformers do so by themselves if "
        "they are given `position_ids` and no `attention_mask`.",
        "让 token 只看到自己那段文本：`number = (places == 0).cumsum(1)`，在因果掩码之外再遮住 "
        "`number[:, :, None] != number[:, None]` 的位置。transformers 的模型在只给 `position_ids`、不给 `attention_mask` 时会自动这样做。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)
VOCAB, LENGTH = 24, 28


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.tokens, self.places = nn.Embedding(VOCAB, 32), nn.Embedding(LENGTH, 32)
        layer = nn.TransformerEncoderLayer(32, 4, 64, dropout=0.0, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 1)
        self.head = nn.Linear(32, VOCAB)

    def forward(self, ids, places):
        length = ids.shape[1]
        hidden = torch.triu(torch.ones(length, length, dtype=torch.bool), 1)
        return self.head(self.encoder(self.tokens(ids) + self.places(places), mask=hidden))


def packed(count):
    ids, places = [], []
    for _ in range(count):
        row, where = [], []
        while len(row) <= LENGTH:
            size = int(torch.randint(6, 12, ()))
            row += ((torch.randint(0, VOCAB, ()) + 5 * torch.arange(size)) % VOCAB).tolist()
            where += range(size)
        ids.append(row[: LENGTH + 1])
        places.append(where[:LENGTH])
    return torch.tensor(ids), torch.tensor(places)


text, places = packed(640)
model = Model()
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
for epoch in range(5):
    for rows in torch.randperm(640).split(32):
        scores = model(text[rows, :-1], places[rows])
        loss = nn.functional.cross_entropy(scores.flatten(0, 1), text[rows, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    good="""\
import torch
from torch import nn

torch.manual_seed(0)
VOCAB, LENGTH = 24, 28


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.tokens, self.places = nn.Embedding(VOCAB, 32), nn.Embedding(LENGTH, 32)
        layer = nn.TransformerEncoderLayer(32, 4, 64, dropout=0.0, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 1)
        self.head = nn.Linear(32, VOCAB)

    def forward(self, ids, places):
        length = ids.shape[1]
        number = (places == 0).cumsum(1)
        hidden = torch.triu(torch.ones(length, length, dtype=torch.bool), 1) | (number[:, :, None] != number[:, None])
        hidden = hidden.repeat_interleave(4, 0)
        return self.head(self.encoder(self.tokens(ids) + self.places(places), mask=hidden))


def packed(count):
    ids, places = [], []
    for _ in range(count):
        row, where = [], []
        while len(row) <= LENGTH:
            size = int(torch.randint(6, 12, ()))
            row += ((torch.randint(0, VOCAB, ()) + 5 * torch.arange(size)) % VOCAB).tolist()
            where += range(size)
        ids.append(row[: LENGTH + 1])
        places.append(where[:LENGTH])
    return torch.tensor(ids), torch.tensor(places)


text, places = packed(640)
model = Model()
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
for epoch in range(5):
    for rows in torch.randperm(640).split(32):
        scores = model(text[rows, :-1], places[rows])
        loss = nn.functional.cross_entropy(scores.flatten(0, 1), text[rows, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    links=(
        "https://huggingface.co/docs/transformers/main/en/padding_and_truncation",
        "https://arxiv.org/abs/2107.02027",
    ),
    explains=(),
    needs=("probes",),
    preview=True,
)
