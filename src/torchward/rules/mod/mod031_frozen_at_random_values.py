"""MOD031: a new layer was frozen together with the loaded ones, and nothing that could replace it is trained."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

SAMPLES = 3


def check(run: Run) -> Iterator[Finding]:
    for model in run.models:
        # Without anything loaded, a random body may be the experiment: Frankle et al. 2020 train batch norm alone.
        if not model.frozen_drawn or not model.frozen_loaded:
            continue
        trained = [one for one in run.parameters if one.model == model.index and one.requires_grad]
        if not trained or any(len(one.shape) > 1 for one in trained):
            continue
        # A frozen layer leaves no leaf in the graph; what makes the prediction has as many units as that has columns.
        last, units, _ = model.frozen_drawn[-1]
        judged = [loss for loss in run.losses if loss.training and loss.prediction_shape[1:2] == (units,)]
        ends = next((loss for loss in judged if len(loss.values) >= SAMPLES), None)
        if ends is None:
            continue
        yield Finding(
            "MOD031",
            data={
                "model": model.name,
                "layers": tuple(name for name, *_ in model.frozen_drawn[:8]),
                "last": last,
                "trained": sum(one.numel for one in trained),
                "parameters": model.parameters,
                "names": tuple(one.name for one in trained)[:8],
            },
            place=at(model.site, ends.values, module=last),
            confidence=Confidence.LIKELY,
        )


RULE = Rule(
    code="MOD031",
    name="frozen-at-random-values",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "`{layers}` of `{model}` are frozen with the random values of a new layer, `{last}`, which makes the prediction, among "
        "them; {trained} of {parameters} numbers are trained ({names}).",
        "`{model}` 的 `{layers}` 被冻结，权重仍是新层的随机初始值，其中 `{last}` 正是给出预测的一层；"
        "{parameters} 个参数中只有 {trained} 个在训练（{names}）。",
    ),
    why=Text(
        "Freezing keeps what was loaded. A layer that no checkpoint filled knows nothing yet, and frozen it never will: what "
        "is left to train can only scale or shift a random answer.",
        "冻结是为了保留加载进来的知识。没有被检查点填充的层还什么都不会，冻结之后就永远学不会：剩下可训练的部分只能对随机的输出做缩放和平移。",
    ),
    fix=Text(
        "Freeze by what was loaded, not by a pattern of names: `loaded = set(state); p.requires_grad_(name not in loaded)` for "
        "each `name, p in model.named_parameters()`.",
        "按实际加载的内容冻结，而不要按名称模式：`loaded = set(state)`，再对 `model.named_parameters()` 中的每个 `name, p` 执行 "
        "`p.requires_grad_(name not in loaded)`。",
    ),
    bad="""\
import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(0)
x = torch.randn(1500, 16)
groups = (x @ torch.randn(16, 6)).argmax(1)


class Net(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.block_in = nn.Linear(16, 48)
        self.block_mid = nn.Linear(48, 48)
        self.block_out = nn.Linear(48, classes)
        self.scale = nn.Parameter(torch.ones(1))

    def forward(self, x):
        x = F.relu(self.block_mid(F.relu(self.block_in(x))))
        return self.scale * self.block_out(x)


def train(net, labels, steps):
    optimizer = torch.optim.Adam([p for p in net.parameters() if p.requires_grad], lr=3e-3)
    for step in range(steps):
        rows = torch.randint(0, 1500, (50,))
        loss = F.cross_entropy(net(x[rows]), labels[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(loss.item())


first = Net(6)
train(first, groups, 200)
second = Net(12)
state = {name: value for name, value in first.state_dict().items() if "out" not in name}
second.load_state_dict(state, strict=False)
for name, parameter in second.named_parameters():
    parameter.requires_grad_(not name.startswith("block"))
train(second, 2 * groups + (x[:, 0] > 0), 200)
""",
    good="""\
import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(0)
x = torch.randn(1500, 16)
groups = (x @ torch.randn(16, 6)).argmax(1)


class Net(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.block_in = nn.Linear(16, 48)
        self.block_mid = nn.Linear(48, 48)
        self.block_out = nn.Linear(48, classes)
        self.scale = nn.Parameter(torch.ones(1))

    def forward(self, x):
        x = F.relu(self.block_mid(F.relu(self.block_in(x))))
        return self.scale * self.block_out(x)


def train(net, labels, steps):
    optimizer = torch.optim.Adam([p for p in net.parameters() if p.requires_grad], lr=3e-3)
    for step in range(steps):
        rows = torch.randint(0, 1500, (50,))
        loss = F.cross_entropy(net(x[rows]), labels[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(loss.item())


first = Net(6)
train(first, groups, 200)
second = Net(12)
state = {name: value for name, value in first.state_dict().items() if "out" not in name}
second.load_state_dict(state, strict=False)
for name, parameter in second.named_parameters():
    parameter.requires_grad_(name not in state)
train(second, 2 * groups + (x[:, 0] > 0), 200)
""",
    links=("https://docs.pytorch.org/docs/stable/notes/autograd.html#setting-requires-grad",),
    explains=("TRN*", "LOS007", "OPT008"),
    needs=("loss", "parameters"),
)
