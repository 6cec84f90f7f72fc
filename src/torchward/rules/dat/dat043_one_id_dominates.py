"""DAT043: most tokens are one and the same id: words are not found in the vocabulary."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import IdsProbe
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

SHARE = 0.5
"""The commonest word of English text makes up 6 % of it, the commonest character 18 % (the space); sub-words lie between."""
VOCABULARY = 30
"""Rows of the embedding: smaller alphabets may well have one letter that prevails."""
COUNTED = 100


def check(probe: IdsProbe) -> Iterator[Finding]:
    # Only where sequences are filled up to a common length: pixels and boards, of one length, have a background.
    if probe.padding is None or probe.common == probe.padding or probe.counted < COUNTED:
        return
    if probe.vocabulary < VOCABULARY or probe.common_share < SHARE:
        return
    yield Finding(
        "DAT043",
        data={
            "model": probe.model,
            "id": probe.common,
            "share": probe.common_share,
            "tokens": probe.counted,
            "vocabulary": probe.vocabulary,
        },
        place=at(probe.site),
        confidence=Confidence.LIKELY,
    )


RULE = Rule(
    code="DAT043",
    name="one-id-dominates",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "{share:.0%} of the tokens given to `{model}` (of {tokens}, padding left out) are id {id}, of a vocabulary of "
        "{vocabulary}.",
        "给 `{model}` 的词元中有 {share:.0%}（共 {tokens} 个，不计填充）都是编号 {id}，而词表大小为 {vocabulary}。",
    ),
    why=Text(
        "No word is that frequent. This is what an unknown-word id looks like when the look-up fails: text is split, "
        "lower-cased or normalised in another way than when the vocabulary was built, or it is another vocabulary.",
        "没有哪个词会这么常见。这正是查表失败时“未知词”编号的样子：文本的切分、大小写或规范化方式与建词表时不同，或者用了另一个词表。",
    ),
    fix=Text(
        "Turn some ids back into words and read them; use one function for both building and looking up: "
        "`tokenize(text.lower())`.",
        "把一些编号还原成词读一读；建词表和查表要用同一个函数：`tokenize(text.lower())`。",
    ),
    bad="""\
import random

import torch
from torch import nn

random.seed(0)
torch.manual_seed(0)
stems = [a + b for a in "bdfgkl" for b in ("al", "em", "in", "or", "un", "ax", "ev")]
written = stems + 6 * [stem.capitalize() for stem in stems]
texts = [" ".join(random.choices(written, k=random.randint(3, 12))) + "." for _ in range(600)]
kinds = torch.tensor([int("bal" in text.lower() or "dem" in text.lower()) for text in texts])
words = sorted({word.strip(".") for text in texts for word in text.lower().split()})
number = {word: index + 2 for index, word in enumerate(words)}  # 0 is padding, 1 is unknown


def encode(text):
    ids = [number.get(word, 1) for word in text.strip(".").split()]
    return torch.tensor(ids + [0] * (12 - len(ids)))


rows = torch.stack([encode(text) for text in texts])


class Bag(nn.Module):
    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(len(number) + 2, 16, padding_idx=0)
        self.out = nn.Linear(16, 2)

    def forward(self, ids):
        return self.out(self.words(ids).sum(1))


model = Bag()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
for step in range(150):
    part = torch.randint(0, 600, (40,))
    loss = nn.functional.cross_entropy(model(rows[part]), kinds[part])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(loss.item())
""",
    good="""\
import random

import torch
from torch import nn

random.seed(0)
torch.manual_seed(0)
stems = [a + b for a in "bdfgkl" for b in ("al", "em", "in", "or", "un", "ax", "ev")]
written = stems + 6 * [stem.capitalize() for stem in stems]
texts = [" ".join(random.choices(written, k=random.randint(3, 12))) + "." for _ in range(600)]
kinds = torch.tensor([int("bal" in text.lower() or "dem" in text.lower()) for text in texts])
words = sorted({word.strip(".") for text in texts for word in text.lower().split()})
number = {word: index + 2 for index, word in enumerate(words)}  # 0 is padding, 1 is unknown


def encode(text):
    ids = [number.get(word, 1) for word in text.lower().strip(".").split()]
    return torch.tensor(ids + [0] * (12 - len(ids)))


rows = torch.stack([encode(text) for text in texts])


class Bag(nn.Module):
    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(len(number) + 2, 16, padding_idx=0)
        self.out = nn.Linear(16, 2)

    def forward(self, ids):
        return self.out(self.words(ids).sum(1))


model = Bag()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
for step in range(150):
    part = torch.randint(0, 600, (40,))
    loss = nn.functional.cross_entropy(model(rows[part]), kinds[part])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(loss.item())
""",
    links=("https://huggingface.co/docs/tokenizers/index",),
    explains=("TRN001", "TRN003", "TRN006", "DAT006", "TRN002"),
    needs=("probes",),
    preview=True,
)
