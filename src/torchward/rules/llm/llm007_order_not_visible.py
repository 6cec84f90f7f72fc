"""LLM007: attention without places: the model cannot tell in which order the tokens came."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import TokenProbe
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

HISTORY = 0.05
"""Change of the output, in deviations, when the first half is replaced: it does look there, ..."""
ORDER = 1e-3
"""... and when its order alone is changed: not above float32's rounding. Any code of the places, and any mask over
several layers, gives far more."""
ALIKE = 8
DIFFER = 0.5
"""Without places the same token twice in one sequence gets the same answer. Its targets differ, relative to targets of
any two positions, at least so often: else the sequence may be a set, of which order is no property."""


def check(probe: TokenProbe) -> Iterator[Finding]:
    if probe.order is None or not probe.attends or probe.history < HISTORY or probe.order > ORDER * probe.history:
        return
    differ = probe.alike >= ALIKE and probe.alike_differ >= DIFFER * probe.other_differ > 0
    # Which token is the next is a matter of order; and who gives a model a table of places means them to matter.
    asked = (probe.per_position and (bool(probe.shift) or differ)) or bool(probe.same_place)
    yield Finding(
        "LLM007",
        data={
            "model": probe.model,
            "order": probe.order,
            "history": probe.history,
            "length": probe.length,
        },
        place=at(probe.site),
        confidence=Confidence.LIKELY,
        severity=None if asked else Severity.HINT,
    )


RULE = Rule(
    code="LLM007",
    name="order-not-visible",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "`{model}` does not see the order of its tokens: other tokens in the first half of {length} positions move its "
        "output by {history} standard deviations, the same tokens in another order by {order}.",
        "`{model}` 看不到 token 的顺序：把 {length} 个位置的前一半换成其他 token，输出变化 {history} 个标准差；"
        "只打乱这些 token 的顺序，变化仅为 {order}。",
    ),
    why=Text(
        'Attention is a weighted sum over a set: without a code of the places "dog bites man" and "man bites dog" '
        "are the same. Whatever depends on order cannot be learned.",
        "注意力是对集合的加权求和：没有位置编码时，“狗咬人”与“人咬狗”是一样的。凡是依赖顺序的规律都学不到。",
    ),
    fix=Text(
        "Add the places to the tokens: `x = self.tokens(ids) + self.places(torch.arange(ids.shape[1], "
        "device=ids.device))` with `self.places = nn.Embedding(max_length, width)`; or use rotary or sinusoidal codes. If "
        "the tokens are a set, ignore this.",
        "把位置加到 token 上：`x = self.tokens(ids) + self.places(torch.arange(ids.shape[1], device=ids.device))`，"
        "其中 `self.places = nn.Embedding(max_length, width)`；也可用旋转或正弦位置编码。如果这些 token 本来就是集合，可忽略本条。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)
VOCAB, LENGTH = 12, 16


class Tagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.tokens = nn.Embedding(VOCAB, 32)
        layer = nn.TransformerEncoderLayer(32, 4, 64, dropout=0.0, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 1)
        self.head = nn.Linear(32, 3)

    def forward(self, ids):
        return self.head(self.encoder(self.tokens(ids)))


ids = torch.randint(0, VOCAB, (960, LENGTH))
tags = (ids + torch.arange(LENGTH) // 8) % 3
model = Tagger()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(6):
    for rows in torch.randperm(960).split(48):
        loss = nn.functional.cross_entropy(model(ids[rows]).flatten(0, 1), tags[rows].reshape(-1))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    good="""\
import torch
from torch import nn

torch.manual_seed(0)
VOCAB, LENGTH = 12, 16


class Tagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.tokens, self.places = nn.Embedding(VOCAB, 32), nn.Embedding(LENGTH, 32)
        layer = nn.TransformerEncoderLayer(32, 4, 64, dropout=0.0, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 1)
        self.head = nn.Linear(32, 3)

    def forward(self, ids):
        return self.head(self.encoder(self.tokens(ids) + self.places(torch.arange(ids.shape[1]))))


ids = torch.randint(0, VOCAB, (960, LENGTH))
tags = (ids + torch.arange(LENGTH) // 8) % 3
model = Tagger()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(6):
    for rows in torch.randperm(960).split(48):
        loss = nn.functional.cross_entropy(model(ids[rows]).flatten(0, 1), tags[rows].reshape(-1))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    links=("https://arxiv.org/abs/1706.03762", "https://arxiv.org/abs/1803.02155"),
    explains=("TRN001", "TRN002", "TRN004"),
    needs=("probes",),
    preview=True,
)
