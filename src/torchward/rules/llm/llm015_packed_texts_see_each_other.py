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
    token = probe.end if probe.start is None else probe.start
    yield Finding(
        "LLM015",
        data={
            "model": probe.model,
            "rows": probe.packed,
            "change": across,
            "by": "positions" if token is None else f"token {token}",
        },
        place=at(probe.site),
        # Some let texts see each other on purpose, and give each its start token for the model to know.
        confidence=Confidence.LIKELY if token is None else Confidence.POSSIBLE,
    )


RULE = Rule(
    code="LLM015",
    name="packed-texts-see-each-other",
    severity=Severity.HINT,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "rows that are given to `{model}` hold several texts, and these see each other: other tokens in the first text move "
        "outputs of the next by {change} standard deviations. What tells the texts apart: `{by}` (`positions`: these begin "
        "anew at 0; `token`: whole texts begin or end with it, and in evaluation there is one a row).",
        "输入 `{model}` 的每行打包了多段文本，但它们彼此可见：改变第一段的 token，后面文本的输出变化了 {change} 个标准差。"
        "区分各段文本的依据：`{by}`（"
        "`positions` 指位置编号重新从 0 开始；`token` 指每段完整文本都以它开头或结尾，而评估时每行只有一段）。",
    ),
    why=Text(
        "Texts that have nothing to do with each other are then predicted from one another: with a mask that is only causal, "
        "and where positions begin anew, tokens of several texts share one position. Alone, as in evaluation and at "
        "generation, a text meets other conditions than in training. It is sound where the texts belong together.",
        "这样互不相关的文本会被用来相互预测：只有因果掩码时，如果位置重新编号，不同文本的 token 还会共用同一位置。"
        "评估和生成时文本单独出现，条件与训练不同。如果各段文本本来相关，则没有问题。",
    ),
    fix=Text(
        "Let a token see its own text only: with `number = (places == 0).cumsum(1)`, or `(ids == start).cumsum(1)`, "
        "or, with `last = ids == end`, `last.cumsum(1) - last.long()`, hide "
        "where `number[:, :, None] != number[:, None]`, besides the causal mask; let positions begin anew with each text, "
        "and no text predict the next one's start. Models of transformers do so by themselves if "
        "they are given `position_ids` and no `attention_mask`.",
        "让 token 只看到自己那段文本：`number = (places == 0).cumsum(1)` 或 `(ids == start).cumsum(1)`，"
        "或（`last = ids == end` 时）`last.cumsum(1) - last.long()`，在因果掩码之外再遮住 "
        "`number[:, :, None] != number[:, None]` 的位置；每段文本的位置重新编号，也不要用一段去预测下一段的开头。"
        "transformers 的模型在只给 `position_ids`、不给 `attention_mask` 时会自动这样做。",
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
