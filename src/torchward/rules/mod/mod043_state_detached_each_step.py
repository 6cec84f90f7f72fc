"""MOD043: a recurrent layer gets its own state back without a graph at every time step."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Finding, Rule, Severity, Text
from torchward.rules._at import at

CALLS = 10


def check(run: Run) -> Iterator[Finding]:
    for found in run.recurrences:
        if found.calls < CALLS or found.cut < found.calls:
            continue
        model = next((one for one in run.models if one.index == found.model), None)
        yield Finding(
            "MOD043",
            data={"layer": found.module, "calls": found.calls},
            place=at(model.site if model is not None else None, module=found.module),
        )


RULE = Rule(
    code="MOD043",
    name="state-detached-each-step",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "`{layer}` is called step by step, and each time gets its own state of the step before without a graph (all of "
        "{calls} calls looked at).",
        "`{layer}` 逐步调用，但每次拿到的上一步状态都没有计算图（查看的 {calls} 次调用全部如此）。",
    ),
    why=Text(
        "No gradient passes from one step to the one before. The layer can carry information onwards, but it is never "
        "trained to keep what will be needed later: nothing is learned over more than one step.",
        "梯度无法从一步传到前一步。该层可以向后传递信息，却从未被训练去保留以后需要的内容：跨越一步以上的依赖学不到。",
    ),
    fix=Text(
        "Leave the graph between the steps of one sequence: take `detach()` out of the loop over time, and detach once "
        "between chunks: `state = tuple(s.detach() for s in state)` before the next batch.",
        "在同一序列的各步之间保留计算图：把 `detach()` 移出时间循环，只在分段之间断开一次："
        "在下一个批次之前 `state = tuple(s.detach() for s in state)`。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)


class Parity(nn.Module):
    def __init__(self):
        super().__init__()
        self.cell = nn.GRUCell(4, 24)
        self.out = nn.Linear(24, 2)

    def forward(self, x):
        state = torch.zeros(x.shape[0], 24)
        for t in range(x.shape[1]):
            state = self.cell(x[:, t], state.detach())
        return self.out(state)


model = Parity()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for step in range(200):
    x = torch.randn(50, 8, 4)
    loss = nn.functional.cross_entropy(model(x), (x[:, :3, 0].sum(1) > 0).long())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(loss.item())
""",
    good="""\
import torch
from torch import nn

torch.manual_seed(0)


class Parity(nn.Module):
    def __init__(self):
        super().__init__()
        self.cell = nn.GRUCell(4, 24)
        self.out = nn.Linear(24, 2)

    def forward(self, x):
        state = torch.zeros(x.shape[0], 24)
        for t in range(x.shape[1]):
            state = self.cell(x[:, t], state)
        return self.out(state)


model = Parity()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for step in range(200):
    x = torch.randn(50, 8, 4)
    loss = nn.functional.cross_entropy(model(x), (x[:, :3, 0].sum(1) > 0).long())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(loss.item())
""",
    links=("https://docs.pytorch.org/docs/stable/generated/torch.Tensor.detach.html",),
    explains=("TRN001", "TRN003", "TRN004", "TRN006", "NUM003", "LOS006", "DAT006"),
    needs=("modules",),
    preview=True,
)
