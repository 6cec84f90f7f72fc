"""LOS064: a loss sorts one tensor of its batch, and multiplies it with another one that is left in the old order."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at


def check(run: Run) -> Iterator[Finding]:
    for one in run.start.sorted_alone if run.start is not None else ():
        data = {"order": one.order, "moved": one.moved, "left": one.left, "function": one.site.function}
        yield Finding("LOS064", data, at(one.site), Confidence.LIKELY)


RULE = Rule(
    code="LOS064",
    name="sorted-without-its-partner",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "`{function}` puts `{moved}` into the order `{order}` and combines it with `{left}`, which stays in the old order.",
        "`{function}` 把 `{moved}` 按 `{order}` 重新排序，再与仍保持原顺序的 `{left}` 逐元素运算。",
    ),
    why=Text(
        "Row i of the one is another example than row i of the other: each risk is judged by the outcome of whoever stood "
        "in that place of the batch. Shapes fit, the loss falls a little, and what is learned is mostly chance.",
        "一方的第 i 行与另一方的第 i 行不是同一个样本：每个风险都按批次中碰巧处在该位置的样本的结局来评判。形状吻合，损失也会略有下降，"
        "但学到的大多是偶然。",
    ),
    fix=Text(
        "Sort all that belong together: `{left} = {left}[{order}]` beside that of `{moved}`.",
        "把属于一起的张量都排序：在对 `{moved}` 排序处加上 `{left} = {left}[{order}]`。",
    ),
    bad="""\
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
x = torch.randn(1500, 6)
life = torch.rand(1500).log().neg() * torch.exp(-x[:, 0] - 0.7 * x[:, 1])
left = torch.rand(1500).log().neg() * torch.exp(-x[:, 2])
time, died = torch.minimum(life, left), (life <= left).float()


def partial_likelihood(risk, time, died):
    order = time.argsort(descending=True)
    risk = risk[order]
    at_risk = risk.logcumsumexp(0)
    return -((risk - at_risk) * died).sum() / died.sum()


model = nn.Sequential(nn.Linear(6, 32), nn.Tanh(), nn.Linear(32, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(8):
    for a, t, d in DataLoader(TensorDataset(x, time, died), batch_size=100, shuffle=True):
        loss = partial_likelihood(model(a).squeeze(1), t, d)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    good="""\
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
x = torch.randn(1500, 6)
life = torch.rand(1500).log().neg() * torch.exp(-x[:, 0] - 0.7 * x[:, 1])
left = torch.rand(1500).log().neg() * torch.exp(-x[:, 2])
time, died = torch.minimum(life, left), (life <= left).float()


def partial_likelihood(risk, time, died):
    order = time.argsort(descending=True)
    risk, died = risk[order], died[order]
    at_risk = risk.logcumsumexp(0)
    return -((risk - at_risk) * died).sum() / died.sum()


model = nn.Sequential(nn.Linear(6, 32), nn.Tanh(), nn.Linear(32, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(8):
    for a, t, d in DataLoader(TensorDataset(x, time, died), batch_size=100, shuffle=True):
        loss = partial_likelihood(model(a).squeeze(1), t, d)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    links=("https://bmcmedresmethodol.biomedcentral.com/articles/10.1186/s12874-018-0482-1",),
)
