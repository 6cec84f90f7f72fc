"""MOD024: what a model says of a sequence depends on how much padding follows it."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import PaddingProbe
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

CHANGE = 0.05
"""In deviations of the outputs, for the padding cut off."""
OVER_NOISE = 10.0


def check(probe: PaddingProbe) -> Iterator[Finding]:
    if not probe.change >= max(CHANGE, OVER_NOISE * probe.noise):  # NaN is neither
        return
    yield Finding(
        "MOD024",
        data={
            "model": probe.model,
            "rows": probe.rows,
            "removed": probe.removed,
            "length": probe.length,
            "change": probe.change,
            "padding": probe.id,
        },
        place=at(probe.site),
        confidence=Confidence.POSSIBLE,
    )


RULE = Rule(
    code="MOD024",
    name="padding-changes-output",
    severity=Severity.HINT,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "With {removed} of {length} columns of padding ({padding}) left out, `{model}`'s outputs for the same "
        "{rows} sequences change by up to {change} standard deviations.",
        "去掉 {length} 列中的 {removed} 列填充（{padding}）后，`{model"
        "}` 对同样 {rows} 个序列的输出最多变化 {change} 个标准差。",
    ),
    why=Text(
        "Padding is read like text: averaged in, attended to, or run through a recurrent layer. Answers then "
        "depend on the longest sequence that happens to be in the batch, and on a batch of one they are others.",
        "填充被当作正文来读：参与平均、参与注意力，或流过循环层。于是答案取决于同一批次里最长的序列，单独推理时又"
        "是另一个答案。",
    ),
    fix=Text(
        "Mask it: average with `(h * mask).sum(1) / mask.sum(1)`, give attention `key_padding_mask=ids == pad`, "
        "and recurrent layers `pack_padded_sequence(...)`.",
        "加掩码：平均用 `(h * mask).sum(1) / mask.sum(1)`，注意力传 `key_"
        "padding_mask=ids == pad`，循环层用 `pack_padded_sequence("
        "...)`。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.zeros(1200, 24, dtype=torch.long)
lengths = torch.randint(3, 22, (1200,))
for row, length in zip(x, lengths):
    row[:length] = torch.randint(1, 30, (int(length),))
y = (x == 5).any(1).long()


class Average(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(30, 24)
        self.hidden = nn.Linear(24, 32)
        self.out = nn.Linear(32, 2)

    def forward(self, ids):
        h = torch.relu(self.hidden(self.embedding(ids)))
        return self.out(h.mean(1))


model = Average()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(8):
    for rows in torch.randperm(1200).split(50):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    good="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.zeros(1200, 24, dtype=torch.long)
lengths = torch.randint(3, 22, (1200,))
for row, length in zip(x, lengths):
    row[:length] = torch.randint(1, 30, (int(length),))
y = (x == 5).any(1).long()


class Average(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(30, 24)
        self.hidden = nn.Linear(24, 32)
        self.out = nn.Linear(32, 2)

    def forward(self, ids):
        h = torch.relu(self.hidden(self.embedding(ids)))
        mask = (ids != 0).unsqueeze(2)
        return self.out((h * mask).sum(1) / mask.sum(1))


model = Average()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(8):
    for rows in torch.randperm(1200).split(50):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    links=("https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.rnn.pack_padded_sequence.html",),
    explained_by=("MOD009", "LLM004"),
    needs=("probes",),
    preview=True,
)
