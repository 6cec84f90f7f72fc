"""MOD042: a recurrent layer is read at the last position, which for most sequences is padding."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import IdsProbe
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

TAIL = 5
"""Padding positions at the end of the median sequence: over a few, a state changes little."""
SHARE = 0.3
"""... and their share of all positions."""


def check(probe: IdsProbe) -> Iterator[Finding]:
    if not probe.recurrent or probe.padding is None or probe.tail < max(TAIL, SHARE * probe.length):
        return
    yield Finding(
        "MOD042",
        data={
            "layer": probe.recurrent,
            "padding": probe.padding,
            "tail": probe.tail,
            "length": probe.length,
            "model": probe.model,
        },
        place=at(probe.site, module=probe.recurrent),
        confidence=Confidence.LIKELY,
    )


RULE = Rule(
    code="MOD042",
    name="state-after-padding",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "`{model}` reads `{layer}` at the last of {length} positions only; in half of the sequences the last {tail:.0f} or "
        "more of these are padding ({padding}).",
        "`{model}` 只读取 `{layer}` 在 {length} 个位置中最后一个位置的状态；而一半的序列末尾至少有 {tail:.0f} 个填充位"
        "（{padding}）。",
    ),
    why=Text(
        "The state of a short sequence is carried on over all of its padding before it is read, and forgets what it has "
        "read. Sequences of full length work, so the model seems to learn, slowly and not well.",
        "短序列的状态要先经过所有填充位才被读取，读过的内容会被遗忘。满长的序列没有问题，所以模型看起来能学，但学得慢、效果差。",
    ),
    fix=Text(
        "Read each sequence at its own end: `out[torch.arange(len(x)), lengths - 1]`, or give the layer "
        "`pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)`.",
        "在每个序列自己的末尾读取：`out[torch.arange(len(x)), lengths - 1]`，或者给该层传入 "
        "`pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)`。",
    ),
    bad="""\
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
lengths = torch.randint(3, 20, (900,))
words = torch.randint(1, 40, (900, 24)) * (torch.arange(24) < lengths[:, None])
kinds = words[:, 0] % 3


class Reader(nn.Module):
    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(40, 16, padding_idx=0)
        self.gru = nn.GRU(16, 32, batch_first=True)
        self.out = nn.Linear(32, 3)

    def forward(self, words, lengths):
        _, state = self.gru(self.words(words))
        return self.out(state[-1])


model = Reader()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(5):
    for w, n, y in DataLoader(TensorDataset(words, lengths, kinds), batch_size=50, shuffle=True):
        loss = nn.functional.cross_entropy(model(w, n), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    good="""\
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
lengths = torch.randint(3, 20, (900,))
words = torch.randint(1, 40, (900, 24)) * (torch.arange(24) < lengths[:, None])
kinds = words[:, 0] % 3


class Reader(nn.Module):
    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(40, 16, padding_idx=0)
        self.gru = nn.GRU(16, 32, batch_first=True)
        self.out = nn.Linear(32, 3)

    def forward(self, words, lengths):
        packed = pack_padded_sequence(self.words(words), lengths, batch_first=True, enforce_sorted=False)
        _, state = self.gru(packed)
        return self.out(state[-1])


model = Reader()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(5):
    for w, n, y in DataLoader(TensorDataset(words, lengths, kinds), batch_size=50, shuffle=True):
        loss = nn.functional.cross_entropy(model(w, n), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    links=("https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.rnn.pack_padded_sequence.html",),
    explains=("TRN001", "TRN003", "TRN006", "NUM003", "MOD041", "MOD023", "MOD024"),
    needs=("probes",),
    preview=True,
)
