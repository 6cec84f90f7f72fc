"""MOD034: dozens of layers one behind the other, and no connection that leads past any of them."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at
from torchward.rules._progress import progress

DEEP = 30
"""Weight matrices and kernels. He et al. (Deep Residual Learning, 2016, section 4.1): with batch norm, a plain net of 34
layers trains to a larger error than one of 18, the deepest that were in use without shortcuts had 19 (VGG)."""
LEARNED = 0.1
"""A loss that is down to this share of its first value shows that it does learn."""


def check(run: Run) -> Iterator[Finding]:
    for training in run.trainings:
        for stream in run.streams:
            if stream.index not in training.losses or stream.plain_depth is None or stream.plain_depth < DEEP:
                continue
            model = next((one for one in run.models if training.index in one.in_trainings), None)
            if model is None:
                continue
            course = progress(run, training)
            learned = course is not None and course.end < LEARNED * course.start
            yield Finding(
                "MOD034",
                data={"model": model.name, "layers": stream.plain_depth},
                place=at(model.site),
                confidence=Confidence.LIKELY,
                severity=Severity.HINT if learned else None,
            )
            return


RULE = Rule(
    code="MOD034",
    name="deep-without-shortcuts",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "`{model}` has {layers} layers with weights one behind the other, and no way leads past any of them.",
        "`{model}` 有 {layers} 个带权重的层依次相连，没有任何一条通路绕过其中的某一层。",
    ),
    why=Text(
        "Each layer passes on a little less of the signal, and of the gradient on its way back. Beyond twenty layers or so "
        "a plain network trains worse than a shallower one, batch norm or not. Where shortcuts were meant, a condition on "
        "strides or channels that is never true, or a lost `+ x`, leaves them out without an error.",
        "每一层传下去的信号、传回来的梯度都会少一点。超过二十层左右，没有捷径的网络比更浅的网络训练得更差，有没有批归一化都一样。"
        "如果本来打算使用捷径，那么关于步长或通道数的条件永远不成立，或者漏写了 `+ x`，都会悄悄地去掉它们而不报错。",
    ),
    fix=Text(
        "Add the input of each block to its output: `return x + self.body(x)`, and check by `sum(block.use_skip for block in "
        "model.blocks)`, or whatever decides on it, that it is done.",
        "把每个块的输入加到输出上：`return x + self.body(x)`，并用 `sum(block.use_skip for block in model.blocks)`"
        "（或相应的判断条件）确认确实加上了。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(1200, 16)
y = (x[:, :8].square().sum(1) > x[:, 8:].square().sum(1)).long()


class Block(nn.Module):
    def __init__(self, width, out):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, out), nn.ReLU())
        self.shortcut = width == out - 1

    def forward(self, x):
        return x + self.body(x) if self.shortcut else self.body(x)


model = nn.Sequential(nn.Linear(16, 32), *[Block(32, 32) for _ in range(18)], nn.LayerNorm(32), nn.Linear(32, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=5e-4)
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
x = torch.randn(1200, 16)
y = (x[:, :8].square().sum(1) > x[:, 8:].square().sum(1)).long()


class Block(nn.Module):
    def __init__(self, width, out):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, out))
        self.shortcut = width == out

    def forward(self, x):
        return x + 0.3 * self.body(x) if self.shortcut else self.body(x)


model = nn.Sequential(nn.Linear(16, 32), *[Block(32, 32) for _ in range(18)], nn.LayerNorm(32), nn.Linear(32, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=5e-4)
for epoch in range(8):
    for rows in torch.randperm(1200).split(50):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    links=("https://arxiv.org/abs/1512.03385",),
    explains=("MOD003", "MOD004", "MOD010", "MOD029", "NUM002", "NUM003", "OPT007", "TRN*"),
)
