"""MOD059: a backward pass of the program's own ignores the gradient that it is given."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at


def check(run: Run) -> Iterator[Finding]:
    for one in run.deaf_backwards:
        yield Finding("MOD059", data={"function": one.name}, place=at(one.site), confidence=Confidence.LIKELY)


RULE = Rule(
    code="MOD059",
    name="gradient-not-passed-on",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "`{function}.backward` never reads the gradient of its output.",
        "`{function}.backward` 从未使用传给它的输出梯度。",
    ),
    why=Text(
        "By the chain rule a backward pass multiplies its own derivative with the gradient that arrives. Without it, whatever "
        "comes after the function has no effect on what is learned: the weight of the term in the loss, the mean over the batch, "
        "the scale of mixed precision.",
        "按照链式法则，反向传播要把自己的导数乘以传来的梯度。不乘的话，该函数之后的一切都不影响学习："
        "损失中这一项的权重、对批次取的平均、混合精度的缩放，全都不起作用。",
    ),
    fix=Text(
        "Multiply: `return grad_output * slope`, and check it: `torch.autograd.gradcheck({function}.apply, inputs)`.",
        "乘上它：`return grad_output * slope`，并检验：`torch.autograd.gradcheck({function}.apply, inputs)`。",
    ),
    bad="""\
import torch
from torch import nn


class Capped(torch.autograd.Function):
    @staticmethod
    def forward(ctx, made, wanted):
        ctx.save_for_backward(made - wanted)
        return (made - wanted).abs().clamp(max=3)

    @staticmethod
    def backward(ctx, gradient):
        (apart,) = ctx.saved_tensors
        slope = apart.sign() * (apart.abs() < 3)
        return slope, None


torch.manual_seed(0)
x = torch.randn(1000, 6)
y = torch.stack([torch.tanh(x[:, 0] - x[:, 1]), 5 * torch.randn(1000)], 1)
model = nn.Sequential(nn.Linear(6, 48), nn.ReLU(), nn.Linear(48, 2))
optimizer = torch.optim.SGD(model.parameters(), lr=0.002)
for step in range(300):
    rows = torch.randint(0, 1000, (50,))
    made = model(x[rows])
    loss = Capped.apply(made[:, 0], y[rows, 0]).mean() + 0.01 * Capped.apply(made[:, 1], y[rows, 1]).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(loss.item())
""",
    good="""\
import torch
from torch import nn


class Capped(torch.autograd.Function):
    @staticmethod
    def forward(ctx, made, wanted):
        ctx.save_for_backward(made - wanted)
        return (made - wanted).abs().clamp(max=3)

    @staticmethod
    def backward(ctx, gradient):
        (apart,) = ctx.saved_tensors
        slope = apart.sign() * (apart.abs() < 3)
        return gradient * slope, None


torch.manual_seed(0)
x = torch.randn(1000, 6)
y = torch.stack([torch.tanh(x[:, 0] - x[:, 1]), 5 * torch.randn(1000)], 1)
model = nn.Sequential(nn.Linear(6, 48), nn.ReLU(), nn.Linear(48, 2))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for step in range(300):
    rows = torch.randint(0, 1000, (50,))
    made = model(x[rows])
    loss = Capped.apply(made[:, 0], y[rows, 0]).mean() + 0.01 * Capped.apply(made[:, 1], y[rows, 1]).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(loss.item())
""",
    links=("https://docs.pytorch.org/docs/stable/notes/extending.html#extending-torch-autograd",),
    explains=("OPT007", "NUM002", "TRN001"),
    needs=("loss",),
    preview=True,
)
