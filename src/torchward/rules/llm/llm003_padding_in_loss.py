"""LLM003: the loss counts the positions that only fill up shorter sequences."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import TokenProbe
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

SHARE = 0.15
"""Of the counted positions. Below, the loss is hardly changed."""


def check(probe: TokenProbe) -> Iterator[Finding]:
    if probe.padding is None or probe.padding_target is None or probe.padding_share < SHARE:
        return
    yield Finding(
        "LLM003",
        data={
            "model": probe.model,
            "padding": probe.padding,
            "target": probe.padding_target,
            "share": probe.padding_share,
        },
        place=at(probe.site),
        confidence=Confidence.LIKELY,
    )


RULE = Rule(
    code="LLM003",
    name="padding-in-loss",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "{share:.0%} of the positions that the loss of `{model}` counts are padding (input id {padding}, target "
        "{target}).",
        "`{model}` 的损失所统计的位置中有 {share:.0%} 是填充（输入 id 为 {padding}，目标为 {target}）。",
    ),
    why=Text(
        "Padding is predicted perfectly after a few steps, so the mean loss and the accuracy look much better than "
        "they are, they change with the length of the sequences in a batch, and the gradient of real tokens is "
        "diluted.",
        "填充位置几步之内就能预测得完全正确，因此平均损失和准确率看起来比实际好得多，还会随批次中序列的长短变化，"
        "真实 token 的梯度也被稀释。",
    ),
    fix=Text(
        "Leave padding out: `F.cross_entropy(logits, targets, ignore_index={target})`, or set "
        "`targets[ids == {padding}] = -100`; if {target} is a label that real positions have too, take the second.",
        "不要统计填充：`F.cross_entropy(logits, targets, ignore_index={target})`，"
        "或者令 `targets[ids == {padding}] = -100`；如果真实位置也会用到标签 {target}，请用后一种。",
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
        self.embed = nn.Embedding(VOCAB, 24, padding_idx=0)
        self.rnn = nn.LSTM(24, 24, batch_first=True, bidirectional=True)
        self.head = nn.Linear(48, 4)

    def forward(self, ids):
        return self.head(self.rnn(self.embed(ids))[0])


sentences = [torch.randint(1, VOCAB, (int(n),)) for n in torch.randint(5, 20, (640,))]
data = [(ids, (ids % 3) + 1) for ids in sentences]


def collate(batch):
    ids, tags = zip(*batch)
    return pad_sequence(ids, batch_first=True), pad_sequence(tags, batch_first=True)


model = Tagger()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
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
        self.embed = nn.Embedding(VOCAB, 24, padding_idx=0)
        self.rnn = nn.LSTM(24, 24, batch_first=True, bidirectional=True)
        self.head = nn.Linear(48, 4)

    def forward(self, ids):
        return self.head(self.rnn(self.embed(ids))[0])


sentences = [torch.randint(1, VOCAB, (int(n),)) for n in torch.randint(5, 20, (640,))]
data = [(ids, (ids % 3) + 1) for ids in sentences]


def collate(batch):
    ids, tags = zip(*batch)
    return pad_sequence(ids, batch_first=True), pad_sequence(tags, batch_first=True)


model = Tagger()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(8):
    for ids, tags in DataLoader(data, batch_size=32, shuffle=True, collate_fn=collate):
        loss = F.cross_entropy(model(ids).flatten(0, 1), tags.flatten(), ignore_index=0)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    links=("https://docs.pytorch.org/docs/stable/generated/torch.nn.CrossEntropyLoss.html",),
    explains=("TRN003",),
    needs=("probes",),
)
