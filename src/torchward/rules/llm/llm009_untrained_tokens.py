"""LLM009: the evaluation looks up embeddings that training never changed: they are still random."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

STEPS = 50
SEVERAL_STEPS = 200
"""Where it is about many rows: by then a short pass over the data has met most of them."""
SHARE = 0.05
"""Of the lookups: a rare word here and there is a usual thing."""
FEWEST = 8
STILL = 0.2
"""Share of the rows met in training that have not moved either, from which on it is learning that is too slow, or
something hides them."""
ONE = 0.5
"""Share from which on one row stands for all: `<unk>`, or another special token."""


def check(run: Run) -> Iterator[Finding]:
    # Within the first pass there are examples that training has yet to meet.
    first_pass = max((loader.batches or 0 for loader in run.loaders if loader.trains), default=0)
    for table in run.tables:
        one = table.top_share >= ONE
        if table.step < max(first_pass, STEPS if one else SEVERAL_STEPS):
            continue
        if table.places or not table.fresh or table.unmoved < FEWEST:
            continue
        share = table.unmoved / table.looked
        if share < SHARE or table.met < 2 or table.still > STILL * table.met:
            continue
        yield Finding(
            "LLM009",
            data={
                "layer": table.name,
                "share": share,
                "looked": table.looked,
                "row": "?" if table.top is None else table.top,
                "row_share": table.top_share,
            },
            place=at(table.site, module=table.name, first=table.step),
            confidence=Confidence.LIKELY,
            severity=None if one else Severity.HINT,
        )


RULE = Rule(
    code="LLM009",
    name="untrained-tokens",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "{share:.0%} of the {looked} rows of `{layer}` that the last evaluation looked up are what they were drawn as: no "
        "training example holds these tokens; mostly (or only) row {row}, {row_share:.0%} of them.",
        "最近一次评估从 `{layer}` 查到的 {looked} 行中，有 {share:.0%} 仍是初始化时的随机值：训练样本里没有这些 token；"
        "其中最多的是第 {row} 行，占 {row_share:.0%}。",
    ),
    why=Text(
        "What the model says of a token that it never saw in training depends on random numbers. With a vocabulary made of "
        "the training texts `<unk>` is such a token, with one made of all texts every word that only held-out texts have; "
        "the scores on held-out data are lower for it than the model deserves.",
        "模型对训练中从未见过的 token 的反应取决于随机数。词表由训练文本建立时，`<unk>` 就是这样的 token；词表由全部文本建立时，"
        "只在留出文本中出现的词也都是。留出数据上的得分会因此低于模型应有的水平。",
    ),
    fix=Text(
        "Let training meet it: make the vocabulary of the training texts, with rare words left out (`min_freq=2`, they "
        "become `<unk>`), or replace a few per cent of the training tokens: "
        "`ids[torch.rand(ids.shape) < 0.02] = unk`. A special token of generation belongs into the training examples.",
        "让训练中出现这个 token：只用训练文本建词表并去掉低频词（`min_freq=2`，它们会变成 `<unk>`），"
        "或把百分之几的训练 token 换掉：`ids[torch.rand(ids.shape) < 0.02] = unk`。生成时用的特殊 token 也要出现在训练样本里。",
    ),
    bad="""\
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
good = [f"nice{i}" for i in range(60)]
poor = [f"dull{i}" for i in range(60)]
plain = [f"word{i}" for i in range(200)]


def review(words, label):
    own = (good if label else poor)[:words]
    picks = [own[int(i)] for i in torch.randint(words, (3,))] + [plain[int(i)] for i in torch.randint(200, (9,))]
    return [picks[int(i)] for i in torch.randperm(12)]


labels = torch.randint(0, 2, (1500,))
reviews = [review(40 if row < 1200 else 60, int(label)) for row, label in enumerate(labels)]
words = sorted({word for text in reviews[:1200] for word in text})
vocabulary = {"<pad>": 0, "<unk>": 1} | {word: i + 2 for i, word in enumerate(words)}
ids = torch.tensor([[vocabulary.get(word, 1) for word in text] for text in reviews])
train = DataLoader(TensorDataset(ids[:1200], labels[:1200]), 40, shuffle=True)
test = DataLoader(TensorDataset(ids[1200:], labels[1200:]), 100)


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(len(vocabulary), 32, padding_idx=0)
        self.rnn = nn.GRU(32, 32, batch_first=True)
        self.head = nn.Linear(32, 2)

    def forward(self, ids):
        return self.head(self.rnn(self.embed(ids))[0].mean(1))


model = Classifier()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(6):
    model.train()
    for x, y in train:
        loss = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        right = sum((model(x).argmax(1) == y).sum().item() for x, y in test)
    print(epoch, loss.item(), right / 300)
""",
    good="""\
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
good = [f"nice{i}" for i in range(60)]
poor = [f"dull{i}" for i in range(60)]
plain = [f"word{i}" for i in range(200)]


def review(words, label):
    own = (good if label else poor)[:words]
    picks = [own[int(i)] for i in torch.randint(words, (3,))] + [plain[int(i)] for i in torch.randint(200, (9,))]
    return [picks[int(i)] for i in torch.randperm(12)]


labels = torch.randint(0, 2, (1500,))
reviews = [review(40 if row < 1200 else 60, int(label)) for row, label in enumerate(labels)]
words = sorted({word for text in reviews[:1200] for word in text})
vocabulary = {"<pad>": 0, "<unk>": 1} | {word: i + 2 for i, word in enumerate(words)}
ids = torch.tensor([[vocabulary.get(word, 1) for word in text] for text in reviews])
train = DataLoader(TensorDataset(ids[:1200], labels[:1200]), 40, shuffle=True)
test = DataLoader(TensorDataset(ids[1200:], labels[1200:]), 100)


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(len(vocabulary), 32, padding_idx=0)
        self.rnn = nn.GRU(32, 32, batch_first=True)
        self.head = nn.Linear(32, 2)

    def forward(self, ids):
        return self.head(self.rnn(self.embed(ids))[0].mean(1))


model = Classifier()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(6):
    model.train()
    for x, y in train:
        x = x.masked_fill(torch.rand(x.shape) < 0.03, 1)
        loss = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        right = sum((model(x).argmax(1) == y).sum().item() for x, y in test)
    print(epoch, loss.item(), right / 300)
""",
    links=("https://docs.pytorch.org/text/stable/vocab.html", "https://arxiv.org/abs/2405.05417"),
    explains=("TRN002", "TRN006"),
    needs=("modules",),
    preview=True,
)
