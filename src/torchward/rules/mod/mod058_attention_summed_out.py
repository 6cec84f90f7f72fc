"""MOD058: attention weights are summed over their own axis, which gives 1, before they weigh anything."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at


def check(run: Run) -> Iterator[Finding]:
    for stream in run.streams:
        if stream.summed is not None:
            shape, axis, layer = stream.summed
            yield Finding(
                "MOD058",
                data={"shape": shape, "axis": axis, "layer": layer or "softmax"},
                place=at(stream.site, module=layer),
                confidence=Confidence.LIKELY,
            )
            return


RULE = Rule(
    code="MOD058",
    name="attention-summed-out",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "A softmax over axis {axis} of scores of shape {shape} (behind `{layer}`) is summed over that same "
        "axis before it weighs anything: the result is 1, whatever the scores are.",
        "形状为 {shape} 的分数（来自 `{layer}`）在轴 {axis} 上做 softmax 之后，还没有用作权重就沿同一个轴求和"
        "：无论分数如何，结果都是 1。",
    ),
    why=Text(
        "The values are not mixed at all, each position keeps its own, and what makes the scores gets no "
        "gradient. Mostly an index of `einsum` names the query where the key was meant: `bij,bid->bid` for "
        "`bij,bjd->bid`.",
        "各位置的值完全没有混合，而计算分数的层得不到梯度。通常是 `einsum` 的下标写成了查询位置而不是键位置："
        "把 `bij,bjd->bid` 写成了 `bij,bid->bid`。",
    ),
    fix=Text(
        "Sum over the axis of the keys: `weights @ values`, or `einsum('bij,bjd->bid', weights, values)`.",
        "沿键所在的轴求和：`weights @ values`，或 `einsum('bij,bjd->bid', weights, values)`。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(1200, 6, 8)
y = (x[:, :, 0].softmax(1)[:, :, None] * x[:, :, 1:2]).sum(1)


class Looks(nn.Module):
    def __init__(self):
        super().__init__()
        self.query, self.key, self.value = (nn.Linear(8, 16) for _ in range(3))
        self.out = nn.Linear(16, 1)

    def forward(self, x):
        scores = torch.einsum("bid,bjd->bij", self.query(x), self.key(x)) / 4
        mixed = torch.einsum("bij,bid->bid", scores.softmax(-1), self.value(x))
        return self.out(mixed.mean(1))


model = Looks()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for step in range(300):
    rows = torch.randint(0, 1200, (64,))
    loss = nn.functional.mse_loss(model(x[rows]), y[rows])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(loss.item())
""",
    good="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(1200, 6, 8)
y = (x[:, :, 0].softmax(1)[:, :, None] * x[:, :, 1:2]).sum(1)


class Looks(nn.Module):
    def __init__(self):
        super().__init__()
        self.query, self.key, self.value = (nn.Linear(8, 16) for _ in range(3))
        self.out = nn.Linear(16, 1)

    def forward(self, x):
        scores = torch.einsum("bid,bjd->bij", self.query(x), self.key(x)) / 4
        mixed = torch.einsum("bij,bjd->bid", scores.softmax(-1), self.value(x))
        return self.out(mixed.mean(1))


model = Looks()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for step in range(300):
    rows = torch.randint(0, 1200, (64,))
    loss = nn.functional.mse_loss(model(x[rows]), y[rows])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(loss.item())
""",
    links=("https://docs.pytorch.org/docs/stable/generated/torch.einsum.html",),
    explains=("MOD011", "MOD023", "TRN001"),
    needs=("loss",),
    preview=True,
)
