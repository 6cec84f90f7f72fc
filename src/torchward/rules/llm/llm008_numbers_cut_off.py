"""LLM008: positions or token ids beyond the embedding's table are all given its last row."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import CutIds, Run, TokenProbe
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

SHARE = 0.05
"""Of the positions. A few rare tokens in one common row are a usual thing."""
SAMPLES, EXAMPLES = 3, 64
"""Batches, and sequences in them, with ids that were cut off before the model was given them."""
SEVERAL = 2
"""Such ids that became one. One alone may be filling, or a place that something else is put into."""
EVERYWHERE = 0.99
"""Share of the sequences that hold one of them: a sign with a meaning (an end, a role), as special tokens are. The rare
words that share a row for the unknown are not in all sequences, or are many."""
BEFORE = 10
"""Batches of an embedding whose last row was a token of its own, before an id above it came up: a vocabulary that grew."""


def check(probe: TokenProbe) -> Iterator[Finding]:
    if not probe.clamped_module or probe.clamped_share < SHARE:
        return
    yield Finding(
        "LLM008",
        data={
            "model": probe.model,
            "layer": probe.clamped_module,
            "rows": probe.clamped_size,
            "share": probe.clamped_share,
            "length": probe.length,
            "tokens": probe.clamped_tokens,
        },
        place=at(probe.site, module=probe.clamped_module),
        confidence=Confidence.LIKELY if probe.clamped_tokens else Confidence.CERTAIN,
        severity=Severity.WARNING if probe.clamped_tokens else None,
    )


def check_ids(run: Run) -> Iterator[Finding]:
    for cut in run.cut_ids:
        if cut.samples < SAMPLES or cut.examples < EXAMPLES or not special_tokens(cut):
            continue
        grown = cut.before >= BEFORE and cut.last_used and cut.targets_cut
        yield Finding(
            "LLM008",
            data={
                "model": next((model.name for model in run.models if model.index == cut.model), "model"),
                "layer": cut.name,
                "rows": cut.rows,
                "share": cut.cut / max(1, cut.ids),
                "length": cut.length,
                "tokens": True,
            },
            place=at(cut.site, module=cut.name),
            confidence=Confidence.LIKELY if grown else Confidence.POSSIBLE,
            # A last row that was never a token of its own may be for whatever is unknown.
            severity=Severity.WARNING if grown else Severity.HINT,
        )


def special_tokens(cut: CutIds) -> bool:
    """A few ids right behind the last row, more frequent than those in range, one of them in every sequence. Of numbers
    that stand for amounts, such as positions or ages, those at the other end are cut off as well, or few are."""
    some = [(count, share) for count, share, filling in cut.above if count and not filling]
    if cut.further or cut.negative or len(some) < SEVERAL or len(cut.above) >= 2 * len(some):
        return False
    return any(share >= EVERYWHERE and count > cut.usual for count, share in some)


RULE = Rule(
    code="LLM008",
    name="numbers-cut-off",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check, check_ids),
    message=Text(
        "`{layer}` of `{model}` has {rows} rows, and {share:.0%} of what it is asked for lies beyond them and is cut off: "
        "all of these get the last row (token ids, not positions: {tokens}).",
        "`{model}` 的 `{layer}` 只有 {rows} 行，而 {share:.0%} 的索引超出范围后被截断：它们都取到最后一行"
        "（是 token id 而非位置：{tokens}）。",
    ),
    why=Text(
        "Positions with the same row cannot be told apart, nor can tokens; the model learns one average for all of "
        "them. Without the cut-off the program would have stopped with an index error, which would have been right.",
        "取到同一行的位置（或 token）无法区分，模型只能为它们学到一个平均值。若不截断，程序会因索引越界而停止，那才是对的。",
    ),
    fix=Text(
        "Make the table as large as what it is asked for (`nn.Embedding(max_length, width)` with max_length >= {length}, "
        "or the tokenizer's own size for tokens), or cut the sequences to {rows} tokens; and leave out the `clamp`.",
        "让表足够大（`nn.Embedding(max_length, width)`，max_length >= {length}；token 则用分词器的词表大小），"
        "或把序列截到 {rows} 个 token；并去掉 `clamp`。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)
VOCAB, LENGTH = 24, 40


class Model(nn.Module):
    def __init__(self, max_length=16):
        super().__init__()
        self.tokens, self.places = nn.Embedding(VOCAB, 32), nn.Embedding(max_length, 32)
        layer = nn.TransformerEncoderLayer(32, 4, 64, dropout=0.0, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 1)
        self.head = nn.Linear(32, VOCAB)

    def forward(self, ids):
        places = torch.arange(ids.shape[1]).clamp(max=self.places.num_embeddings - 1)
        mask = nn.Transformer.generate_square_subsequent_mask(ids.shape[1])
        return self.head(self.encoder(self.tokens(ids) + self.places(places), mask=mask, is_causal=True))


text = (torch.randint(0, VOCAB, (640, 1)) + 5 * torch.arange(LENGTH + 1)) % VOCAB
model = Model()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(5):
    for rows in torch.randperm(640).split(32):
        scores = model(text[rows, :-1])
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
VOCAB, LENGTH = 24, 40


class Model(nn.Module):
    def __init__(self, max_length=LENGTH):
        super().__init__()
        self.tokens, self.places = nn.Embedding(VOCAB, 32), nn.Embedding(max_length, 32)
        layer = nn.TransformerEncoderLayer(32, 4, 64, dropout=0.0, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 1)
        self.head = nn.Linear(32, VOCAB)

    def forward(self, ids):
        places = torch.arange(ids.shape[1]).clamp(max=self.places.num_embeddings - 1)
        mask = nn.Transformer.generate_square_subsequent_mask(ids.shape[1])
        return self.head(self.encoder(self.tokens(ids) + self.places(places), mask=mask, is_causal=True))


text = (torch.randint(0, VOCAB, (640, 1)) + 5 * torch.arange(LENGTH + 1)) % VOCAB
model = Model()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(5):
    for rows in torch.randperm(640).split(32):
        scores = model(text[rows, :-1])
        loss = nn.functional.cross_entropy(scores.flatten(0, 1), text[rows, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    links=("https://docs.pytorch.org/docs/stable/generated/torch.nn.Embedding.html",),
    explains=("TRN001", "TRN004"),
    needs=("probes",),
    preview=True,
)
