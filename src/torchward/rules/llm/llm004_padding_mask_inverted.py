"""LLM004: attention is told to look at the padding, and at nothing else."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import TokenProbe
from torchward.rule import Finding, Rule, Severity, Text
from torchward.rules._at import at


def check(probe: TokenProbe) -> Iterator[Finding]:
    if not probe.inverted_masks or probe.padding is None:
        return
    layers = tuple(dict.fromkeys(probe.inverted_masks))
    yield Finding(
        "LLM004",
        data={
            "model": probe.model,
            "count": len(layers),
            "layers": layers[:8],
            "padding": probe.padding,
        },
        place=at(probe.site, module=layers[0]),
    )


RULE = Rule(
    code="LLM004",
    name="padding-mask-inverted",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "The `key_padding_mask` of {count} attention layer(s) of `{model}` is the wrong way round ({layers}): it hides "
        "every real token and shows only the padding (id {padding}).",
        "`{model}` 有 {count} 个注意力层的 `key_padding_mask` 取反了（{layers}）："
        "它遮住了所有真实 token，只留下填充（id {padding}）。",
    ),
    why=Text(
        'In `nn.MultiheadAttention` and `nn.TransformerEncoder`, `True` in a padding mask means "do not look here". '
        "The other way round, attention mixes in nothing but padding, and no token knows of any other.",
        "在 `nn.MultiheadAttention` 和 `nn.TransformerEncoder` 中，填充掩码里的 `True` 表示“不要看这里”。"
        "取反之后，注意力只会混入填充，token 之间彼此看不见。",
    ),
    fix=Text(
        "Pass `src_key_padding_mask=(ids == {padding})`; a mask that is 1 for real tokens (Hugging Face's "
        "`attention_mask`) is turned with `attention_mask == 0`.",
        "传入 `src_key_padding_mask=(ids == {padding})`；"
        "如果掩码以 1 表示真实 token（如 Hugging Face 的 `attention_mask`），先用 `attention_mask == 0` 取反。",
    ),
    bad="""\
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader

torch.manual_seed(0)
VOCAB = 20


class Tagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(VOCAB, 32, padding_idx=0)
        layer = nn.TransformerEncoderLayer(32, 4, 64, dropout=0.0, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.head = nn.Linear(32, 3)

    def forward(self, ids):
        return self.head(self.encoder(self.embed(ids), src_key_padding_mask=ids != 0))


sentences = [torch.randint(1, VOCAB, (int(n),)) for n in torch.randint(5, 16, (640,))]
data = [(ids, ids % 3) for ids in sentences]


def collate(batch):
    ids, tags = zip(*batch)
    return pad_sequence(ids, batch_first=True), pad_sequence(tags, batch_first=True, padding_value=-100)


model = Tagger()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(8):
    for ids, tags in DataLoader(data, batch_size=32, shuffle=True, collate_fn=collate):
        loss = F.cross_entropy(model(ids).flatten(0, 1), tags.flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    good="""\
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader

torch.manual_seed(0)
VOCAB = 20


class Tagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(VOCAB, 32, padding_idx=0)
        layer = nn.TransformerEncoderLayer(32, 4, 64, dropout=0.0, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.head = nn.Linear(32, 3)

    def forward(self, ids):
        return self.head(self.encoder(self.embed(ids), src_key_padding_mask=ids == 0))


sentences = [torch.randint(1, VOCAB, (int(n),)) for n in torch.randint(5, 16, (640,))]
data = [(ids, ids % 3) for ids in sentences]


def collate(batch):
    ids, tags = zip(*batch)
    return pad_sequence(ids, batch_first=True), pad_sequence(tags, batch_first=True, padding_value=-100)


model = Tagger()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(8):
    for ids, tags in DataLoader(data, batch_size=32, shuffle=True, collate_fn=collate):
        loss = F.cross_entropy(model(ids).flatten(0, 1), tags.flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    links=("https://docs.pytorch.org/docs/stable/generated/torch.nn.MultiheadAttention.html",),
    explains=("TRN001", "TRN002", "TRN003", "TRN004"),
    needs=("probes",),
)
