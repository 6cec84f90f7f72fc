"""LLM025: the mask over the prompt is counted from one edge of the rows, and the rows are filled up at that edge."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import PromptProbe
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

MISSED = 0.05
"""Of the answers' tokens without a loss, or of the others that have one: below, hardly a row is filled up."""


def check(probe: PromptProbe) -> Iterator[Finding]:
    if not probe.edge or max(probe.missed, probe.beside) < MISSED:
        return
    yield Finding(
        "LLM025",
        data={
            "model": probe.model,
            "edge": probe.edge,
            "token": probe.edge_token,
            "missed": probe.missed,
            "beside": probe.beside,
        },
        place=at(probe.site),
        confidence=Confidence.LIKELY,
    )


RULE = Rule(
    code="LLM025",
    name="answers-masked-from-the-other-edge",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "the loss of `{model}` leaves out {missed:.0%} of the tokens behind id {token}, and {beside:.0%} of what it counts stands "
        "elsewhere. In rows of its first batch that are full it counts from the token behind {token} on; in those that are filled "
        "up at the {edge}, the place where it begins is off by just the number of tokens that fill them up.",
        "`{model}` 的损失漏掉了 id {token} 之后 {missed:.0%} 的 token，而它所统计的位置中有 {beside:.0%} 在别处。"
        "首个批次中，没有填充的行从 {token} 之后的 token 开始计入；而在一侧（{edge}：right 为右，left 为左）有填充的行，"
        "起点恰好偏移了填充的 token 数。",
    ),
    why=Text(
        "The labels are made as if rows were filled up at the other side. In every row that is shorter than the longest, a part of "
        "the answer is not taught, mostly its beginning, and padding or prompt is taught instead. Padding is easy, so the loss "
        "looks better than it is; answers to short prompts are wrong from their first token on.",
        "标签是按另一侧填充来制作的。凡是比最长行短的行，都有一部分回答（多为开头）没有学到，学到的却是填充或提示。"
        "填充很容易预测，损失因此显得偏低；而短提示的回答从第一个 token 起就是错的。",
    ),
    fix=Text(
        "Count from where the text ends or begins in the row, not from the row's edge. Filled up on the right, of n tokens the last "
        "k are the answer: `labels[i, n - k : n] = ids[i, n - k : n]`; filled up on the left: `labels[i, : width - k] = -100`. "
        "Look at a decoded example: `tokenizer.decode(ids[i][labels[i] != -100])`.",
        "应从该行文本的结尾或开头数起，而不是从行的边缘数起。右侧填充时，n 个 token 中最后 k 个是回答："
        "`labels[i, n - k : n] = ids[i, n - k : n]`；左侧填充时：`labels[i, : width - k] = -100`。"
        "可解码一个样本来检查：`tokenizer.decode(ids[i][labels[i] != -100])`。",
    ),
    bad="""\
import torch
from torch import nn
from torch.nn import functional

torch.manual_seed(0)
PAD, ASK, END, VOCAB, LENGTH = 0, 1, 2, 16, 20


class Reverser(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed, self.place = nn.Embedding(VOCAB, 32), nn.Embedding(LENGTH, 32)
        self.block = nn.TransformerEncoderLayer(32, 2, 64, dropout=0.0, batch_first=True)
        self.head = nn.Linear(32, VOCAB)

    def forward(self, ids):
        mask = nn.Transformer.generate_square_subsequent_mask(ids.shape[1])
        x = self.embed(ids) + self.place(torch.arange(ids.shape[1]))
        return self.head(self.block(x, src_mask=mask, is_causal=True))


def batch(rows=24):
    ids = torch.full((rows, LENGTH), PAD)
    labels = torch.full((rows, LENGTH), -100)
    for i in range(rows):
        word = torch.randint(3, VOCAB, (9 - i % 6,))
        text = torch.cat([word, torch.tensor([ASK]), word.flip(0), torch.tensor([END])])
        ids[i, : len(text)] = text
        labels[i, -len(word) - 1 :] = ids[i, -len(word) - 1 :]
    return ids, labels


model = Reverser()
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
for step in range(120):
    ids, labels = batch()
    scores = model(ids[:, :-1])
    loss = functional.cross_entropy(scores.transpose(1, 2), labels[:, 1:])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(loss.item())
""",
    good="""\
import torch
from torch import nn
from torch.nn import functional

torch.manual_seed(0)
PAD, ASK, END, VOCAB, LENGTH = 0, 1, 2, 16, 20


class Reverser(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed, self.place = nn.Embedding(VOCAB, 32), nn.Embedding(LENGTH, 32)
        self.block = nn.TransformerEncoderLayer(32, 2, 64, dropout=0.0, batch_first=True)
        self.head = nn.Linear(32, VOCAB)

    def forward(self, ids):
        mask = nn.Transformer.generate_square_subsequent_mask(ids.shape[1])
        x = self.embed(ids) + self.place(torch.arange(ids.shape[1]))
        return self.head(self.block(x, src_mask=mask, is_causal=True))


def batch(rows=24):
    ids = torch.full((rows, LENGTH), PAD)
    labels = torch.full((rows, LENGTH), -100)
    for i in range(rows):
        word = torch.randint(3, VOCAB, (9 - i % 6,))
        text = torch.cat([word, torch.tensor([ASK]), word.flip(0), torch.tensor([END])])
        ids[i, : len(text)] = text
        labels[i, len(word) + 1 : len(text)] = text[len(word) + 1 :]
    return ids, labels


model = Reverser()
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
for step in range(120):
    ids, labels = batch()
    scores = model(ids[:, :-1])
    loss = functional.cross_entropy(scores.transpose(1, 2), labels[:, 1:])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(loss.item())
""",
    links=("https://huggingface.co/docs/transformers/main/en/pad_truncation",),
    explains=("LLM003", "LLM012", "LLM016", "LLM024", "TRN001", "TRN004"),
    needs=("probes",),
    preview=True,
)
