"""MOD037: several linear layers with nothing between them, which together are but one."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

LEAST = 2


def check(run: Run) -> Iterator[Finding]:
    for model in run.models:
        shapes = model.linear
        if len(shapes) < LEAST or not model.in_trainings:
            continue
        inner = [width for _, width in shapes[:-1]]
        outputs, inputs = shapes[0][0], shapes[-1][1]
        if min(inner) < min(outputs, inputs):
            continue  # a bottleneck is what such a product of matrices is for
        yield Finding(
            "MOD037",
            data={
                "model": model.name,
                "layers": len(shapes),
                "widths": tuple(reversed([outputs, *(width for _, width in shapes)])),
                "inputs": inputs,
                "outputs": outputs,
            },
            place=at(model.site),
            confidence=Confidence.LIKELY,
        )


RULE = Rule(
    code="MOD037",
    name="only-linear-layers",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "between input and output of `{model}` lie {layers} linear layers ({widths}) and no activation: all of it is one linear "
        "map from {inputs} to {outputs} numbers.",
        "`{model}` 的输入与输出之间有 {layers} 个线性层（{widths}），却没有任何激活函数：整体只是从 {inputs} 维到 {outputs} 维的一个线性映射。",
    ),
    why=Text(
        "A product of matrices is a matrix. However many layers there are, nothing can be learned that a single one could not, "
        "and no bend, threshold or interaction of features.",
        "矩阵的乘积仍是矩阵。无论有多少层，都学不到单个线性层学不到的东西，更学不到弯曲、阈值或特征之间的交互。",
    ),
    fix=Text(
        "Put an activation behind each hidden layer: `nn.Sequential(nn.Linear(...), nn.ReLU(), nn.Linear(...))`; where it is "
        "looked up by name, let an unknown name be an error instead of `nn.Identity`.",
        "在每个隐藏层之后放一个激活函数：`nn.Sequential(nn.Linear(...), nn.ReLU(), nn.Linear(...))`；"
        "若按名称查找激活函数，遇到未知名称应报错，而不是退回 `nn.Identity`。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(1000, 6)
y = torch.sin(2 * x[:, :1]) * x[:, 1:2]
ACTIVATIONS = {"relu": nn.ReLU, "tanh": nn.Tanh}


def network(widths, activation):
    layers = []
    for before, after in zip(widths, widths[1:]):
        layers += [nn.Linear(before, after), ACTIVATIONS.get(activation, nn.Identity)()]
    return nn.Sequential(*layers[:-1])


model = network([6, 64, 64, 1], "ReLU")
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(20):
    for rows in torch.randperm(1000).split(50):
        loss = nn.functional.mse_loss(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    good="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(1000, 6)
y = torch.sin(2 * x[:, :1]) * x[:, 1:2]
ACTIVATIONS = {"relu": nn.ReLU, "tanh": nn.Tanh}


def network(widths, activation):
    layers = []
    for before, after in zip(widths, widths[1:]):
        layers += [nn.Linear(before, after), ACTIVATIONS.get(activation, nn.Identity)()]
    return nn.Sequential(*layers[:-1])


model = network([6, 64, 64, 1], "relu")
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(20):
    for rows in torch.randperm(1000).split(50):
        loss = nn.functional.mse_loss(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    links=("https://www.deeplearningbook.org/contents/mlp.html",),
    explains=("TRN*",),
    needs=("modules", "graph"),
    preview=True,
)
