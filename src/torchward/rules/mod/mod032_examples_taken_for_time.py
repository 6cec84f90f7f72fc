"""MOD032: a recurrent or attention layer reads along the examples of a batch, which happens to be as large as a sequence is long."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

AGAIN = 100
"""Rows that came again: examples do so once a pass is over. Moments, each holding a slice of other sequences, do not."""
TOGETHER = 0.05
"""... and, as a share of these, neighbours that were neighbours before: of shuffled examples hardly any are, of the
moments of a sequence (or of batches that are always the same) all."""


def check(run: Run) -> Iterator[Finding]:
    for found in run.rows_as_time:
        if found.again < AGAIN or found.together > TOGETHER * found.again:
            continue
        model = next((one for one in run.models if one.index == found.model), None)
        yield Finding(
            "MOD032",
            data={
                "module": found.module,
                "kind": found.kind,
                "length": found.length,
                "rows": found.rows,
                "again": found.again,
            },
            place=at(model.site if model is not None else None, module=found.module),
            confidence=Confidence.LIKELY,
        )


RULE = Rule(
    code="MOD032",
    name="examples-taken-for-time",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "`{module}` ({kind}) takes the first axis of the input for time, but that axis holds examples: {again} of {rows} rows "
        "along it came again, shuffled, as examples do. No shape shows it, since both axes have {length} places.",
        "`{module}`（{kind}）把输入的第一个轴当作时间，但这个轴上放的是样本：沿该轴的 {rows} 行中有 {again} 行在打乱后再次出现，"
        "正像样本那样。两个轴的长度都是 {length}，所以形状上看不出来。",
    ),
    why=Text(
        "It reads from one example of the batch to the next, so the answer for one depends on its neighbours, and what lies "
        "where within a sequence is never read.",
        "它沿着批次从一个样本读到下一个样本：每个样本的输出取决于相邻的样本，而序列内部的先后关系从未被读取。",
    ),
    fix=Text(
        "Say so when it is made: `nn.{kind}(..., batch_first=True)`, and take the last state of a recurrent layer with "
        "`states[:, -1]`; or give it `x.transpose(0, 1)`.",
        "创建时写明 `nn.{kind}(..., batch_first=True)`，循环层用 `states[:, -1]` 取最后的状态；或者传入 `x.transpose(0, 1)`。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)
kinds = torch.randint(0, 2, (400,))
place = torch.arange(20.0)
waves = torch.sin((0.3 + 0.3 * kinds[:, None]) * place + 6 * torch.rand(400, 1)) + 0.1 * torch.randn(400, 20)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.GRU(1, 24)
        self.out = nn.Linear(24, 2)

    def forward(self, x):
        states, _ = self.rnn(x.unsqueeze(-1))
        return self.out(states[-1])


net = Net()
optimizer = torch.optim.Adam(net.parameters(), lr=5e-3)
for epoch in range(20):
    for rows in torch.randperm(400).split(20):
        loss = nn.functional.cross_entropy(net(waves[rows]), kinds[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    good="""\
import torch
from torch import nn

torch.manual_seed(0)
kinds = torch.randint(0, 2, (400,))
place = torch.arange(20.0)
waves = torch.sin((0.3 + 0.3 * kinds[:, None]) * place + 6 * torch.rand(400, 1)) + 0.1 * torch.randn(400, 20)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.GRU(1, 24, batch_first=True)
        self.out = nn.Linear(24, 2)

    def forward(self, x):
        states, _ = self.rnn(x.unsqueeze(-1))
        return self.out(states[:, -1])


net = Net()
optimizer = torch.optim.Adam(net.parameters(), lr=5e-3)
for epoch in range(20):
    for rows in torch.randperm(400).split(20):
        loss = nn.functional.cross_entropy(net(waves[rows]), kinds[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    links=("https://docs.pytorch.org/docs/stable/generated/torch.nn.GRU.html",),
    explains=("TRN*", "MOD009", "MOD012", "MOD023"),
    needs=("modules",),
)
