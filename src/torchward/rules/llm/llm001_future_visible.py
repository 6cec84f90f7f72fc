"""LLM001: a model that is to predict the next token can see it."""

from __future__ import annotations

import math
from collections.abc import Iterator

from torchward.facts import SeriesProbe, TokenProbe
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

CHANGE = 1e-2
"""In deviations of the outputs: rounding in float32 leaves below 1e-4, bfloat16 below 1e-2; attention without a mask,
even at its first weights, moves them by tenths."""
OVER_NOISE = 100.0


def check(probe: TokenProbe) -> Iterator[Finding]:
    if probe.shift != 1 or probe.future is None or not math.isfinite(probe.future):
        return
    if probe.future < max(CHANGE, OVER_NOISE * probe.noise):
        return
    # A model that embeds the sequence twice encodes it first and then spells it out again: an autoencoder.
    if probe.embeddings > 1:
        return
    yield Finding(
        "LLM001",
        data={
            "model": probe.model,
            "length": probe.length,
            "change": probe.future,
            "module": probe.future_module or probe.model,
            "kind": probe.future_kind or probe.model,
        },
        place=at(probe.site, module=probe.future_module),
        confidence=Confidence.LIKELY if probe.future_module else Confidence.POSSIBLE,
    )


def check_series(probe: SeriesProbe) -> Iterator[Finding]:
    if not math.isfinite(probe.change) or probe.change < max(CHANGE, OVER_NOISE * probe.noise):
        return
    yield Finding(
        "LLM001",
        data={
            "model": probe.model,
            "length": probe.length,
            "change": probe.change,
            "module": probe.future_module or probe.model,
            "kind": probe.future_kind or probe.model,
        },
        place=at(probe.site, module=probe.future_module),
        confidence=Confidence.LIKELY,
    )


RULE = Rule(
    code="LLM001",
    name="future-visible",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check, check_series),
    message=Text(
        "`{model}` is trained to predict the next token or value, and can see it: when the second half of its {length} "
        "positions is changed, outputs in the first half move by {change} standard deviations; it begins in `{module}` "
        "({kind}).",
        "`{model}` 的训练目标是预测下一个 token 或数值，但它能看到答案：改变 {length} 个位置的后半段，"
        "前半段的输出变动了 {change} 个标准差；从 `{module}`（{kind}）开始。",
    ),
    why=Text(
        "The model learns to copy the answer from the future. Training and validation loss become far too good, and at "
        "generation time, when there is no future to look at, it fails.",
        "模型学会的是从后文抄答案。训练和验证损失会好得不真实，而生成时没有后文可看，模型就会失效。",
    ),
    fix=Text(
        "Give `{module}` a causal mask: `F.scaled_dot_product_attention(q, k, v, is_causal=True)`, or "
        "`mask=nn.Transformer.generate_square_subsequent_mask(T)` for `nn.TransformerEncoder` and "
        "`nn.MultiheadAttention` (`True` or `-inf` means hidden there); recurrent layers must not be bidirectional, "
        "and convolutions are padded on the left only.",
        "为 `{module}` 加上因果掩码：`F.scaled_dot_product_attention(q, k, v, is_causal=True)`；"
        "`nn.TransformerEncoder` 和 `nn.MultiheadAttention` 用 "
        "`mask=nn.Transformer.generate_square_subsequent_mask(T)`（其中 `True` 或 `-inf` 表示不可见）；"
        "循环层不能是双向的，卷积只在左侧填充。",
    ),
    bad="""\
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(0)
VOCAB, LENGTH, SIZE = 30, 16, 32


class LanguageModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.token, self.place = nn.Embedding(VOCAB, SIZE), nn.Embedding(LENGTH, SIZE)
        self.block = nn.TransformerEncoderLayer(SIZE, 4, 64, dropout=0.0, batch_first=True)
        self.head = nn.Linear(SIZE, VOCAB)

    def forward(self, ids):
        x = self.token(ids) + self.place(torch.arange(ids.shape[1]))
        return self.head(self.block(x))


text = torch.randint(0, VOCAB, (50,)).repeat(80)
text[torch.rand(4000) < 0.1] = 3
model = LanguageModel()
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
for step in range(200):
    starts = torch.randint(0, len(text) - LENGTH - 1, (16,))
    windows = torch.stack([text[i : i + LENGTH + 1] for i in starts])
    logits = model(windows[:, :-1])
    loss = F.cross_entropy(logits.reshape(-1, VOCAB), windows[:, 1:].reshape(-1))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(loss.item())
""",
    good="""\
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(0)
VOCAB, LENGTH, SIZE = 30, 16, 32


class LanguageModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.token, self.place = nn.Embedding(VOCAB, SIZE), nn.Embedding(LENGTH, SIZE)
        self.block = nn.TransformerEncoderLayer(SIZE, 4, 64, dropout=0.0, batch_first=True)
        self.head = nn.Linear(SIZE, VOCAB)

    def forward(self, ids):
        x = self.token(ids) + self.place(torch.arange(ids.shape[1]))
        mask = nn.Transformer.generate_square_subsequent_mask(ids.shape[1])
        return self.head(self.block(x, src_mask=mask, is_causal=True))


text = torch.randint(0, VOCAB, (50,)).repeat(80)
text[torch.rand(4000) < 0.1] = 3
model = LanguageModel()
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
for step in range(200):
    starts = torch.randint(0, len(text) - LENGTH - 1, (16,))
    windows = torch.stack([text[i : i + LENGTH + 1] for i in starts])
    logits = model(windows[:, :-1])
    loss = F.cross_entropy(logits.reshape(-1, VOCAB), windows[:, 1:].reshape(-1))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(loss.item())
""",
    links=(
        "https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.scaled_dot_product_attention.html",
        "https://docs.pytorch.org/docs/stable/generated/torch.nn.TransformerEncoder.html",
    ),
    explains=("TRN001", "TRN002", "TRN004"),
    needs=("probes",),
)
