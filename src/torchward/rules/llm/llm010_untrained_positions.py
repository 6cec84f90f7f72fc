"""LLM010: the evaluation's sequences are longer than any in training, and learned positions are still random there."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

STEPS = 20
SHORTEST = 4


def check(run: Run) -> Iterator[Finding]:
    for table in run.tables:
        moved = table.moved
        if not table.places or not table.fresh or moved is None or table.step < STEPS:
            continue
        # Sampled steps may not have seen the longest sequence; the rows that moved tell of all of them, but for the last
        # place, which may have no token to predict.
        if not SHORTEST <= table.longest <= moved + 1 < table.length:
            continue
        yield Finding(
            "LLM010",
            data={"layer": table.name, "length": table.length, "trained": moved, "rows": table.rows},
            place=at(table.site, module=table.name, first=table.step),
            confidence=Confidence.LIKELY,
        )


RULE = Rule(
    code="LLM010",
    name="untrained-positions",
    severity=Severity.HINT,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "the evaluation's sequences have {length} positions; of the {rows} rows of `{layer}` training has changed the first "
        "{trained}, and those behind are what they were drawn as.",
        "评估序列长 {length} 个位置；`{layer}` 的 {rows} 行中，训练只改变了前 {trained} 行，其后各行仍是初始值。",
    ),
    why=Text(
        "Learned positions say nothing about places that no training sequence reached: there random numbers are added to "
        "the tokens, and what the model makes of them is arbitrary.",
        "训练序列从未到达的位置，学习式位置编码没有任何意义：那里加到 token 上的是随机数，模型的输出也就无从谈起。",
    ),
    fix=Text(
        "Train on sequences as long as those to come (at least some of them), or cut what the model is given: "
        "`ids = ids[:, -{trained}:]`; rotary or sinusoidal positions have no rows that could be left out.",
        "训练时至少包含一部分同样长的序列，或截断输入：`ids = ids[:, -{trained}:]`；旋转或正弦位置编码没有未训练的行。",
    ),
    bad="""\
import torch
from torch import nn
from torch.utils.data import DataLoader

torch.manual_seed(0)
VOCAB = 24


class Model(nn.Module):
    def __init__(self, max_length=64):
        super().__init__()
        self.tokens, self.places = nn.Embedding(VOCAB, 32), nn.Embedding(max_length, 32)
        layer = nn.TransformerEncoderLayer(32, 4, 64, dropout=0.0, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 1)
        self.head = nn.Linear(32, VOCAB)

    def forward(self, ids):
        length = ids.shape[1]
        mask = nn.Transformer.generate_square_subsequent_mask(length)
        x = self.tokens(ids) + self.places(torch.arange(length))
        return self.head(self.encoder(x, mask=mask, is_causal=True))


def texts(count, length):
    text = (torch.randint(0, VOCAB, (count, 1)) + 5 * torch.arange(length + 1)) % VOCAB
    return torch.where(torch.rand(text.shape) < 0.1, torch.randint(0, VOCAB, text.shape), text)


train = DataLoader(texts(640, 16), batch_size=32, shuffle=True)
test = DataLoader(texts(128, 48), batch_size=32)
model = Model()
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
for epoch in range(6):
    model.train()
    for text in train:
        loss = nn.functional.cross_entropy(model(text[:, :-1]).flatten(0, 1), text[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        losses = [nn.functional.cross_entropy(model(t[:, :-1]).flatten(0, 1), t[:, 1:].flatten()) for t in test]
    print(epoch, loss.item(), torch.stack(losses).mean().item())
""",
    good="""\
import torch
from torch import nn
from torch.utils.data import DataLoader

torch.manual_seed(0)
VOCAB = 24


class Model(nn.Module):
    def __init__(self, max_length=64):
        super().__init__()
        self.tokens, self.places = nn.Embedding(VOCAB, 32), nn.Embedding(max_length, 32)
        layer = nn.TransformerEncoderLayer(32, 4, 64, dropout=0.0, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 1)
        self.head = nn.Linear(32, VOCAB)

    def forward(self, ids):
        length = ids.shape[1]
        mask = nn.Transformer.generate_square_subsequent_mask(length)
        x = self.tokens(ids) + self.places(torch.arange(length))
        return self.head(self.encoder(x, mask=mask, is_causal=True))


def texts(count, length):
    text = (torch.randint(0, VOCAB, (count, 1)) + 5 * torch.arange(length + 1)) % VOCAB
    return torch.where(torch.rand(text.shape) < 0.1, torch.randint(0, VOCAB, text.shape), text)


train = DataLoader(texts(640, 48), batch_size=32, shuffle=True)
test = DataLoader(texts(128, 48), batch_size=32)
model = Model()
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
for epoch in range(6):
    model.train()
    for text in train:
        loss = nn.functional.cross_entropy(model(text[:, :-1]).flatten(0, 1), text[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        losses = [nn.functional.cross_entropy(model(t[:, :-1]).flatten(0, 1), t[:, 1:].flatten()) for t in test]
    print(epoch, loss.item(), torch.stack(losses).mean().item())
""",
    links=("https://arxiv.org/abs/2108.12409",),
    explains=("TRN002",),
    needs=("modules",),
    preview=True,
)
