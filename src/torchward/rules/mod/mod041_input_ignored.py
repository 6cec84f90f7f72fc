"""MOD041: the model is given an input that plays no part in any of its outputs."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import DependenceProbe
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at


def check(probe: DependenceProbe) -> Iterator[Finding]:
    if not probe.ignored:
        return
    data = {"model": probe.model, "names": probe.names, "inputs": probe.inputs}
    yield Finding("MOD041", data, at(probe.site), Confidence.LIKELY)


RULE = Rule(
    code="MOD041",
    name="input-ignored",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "`{model}` is given {inputs} inputs, and {names} plays no part: with other values in it every output is exactly "
        "the same, in train and in eval mode and with other weights.",
        "`{model}` 有 {inputs} 个输入，其中 {names} 没有起任何作用：换成其他值后，无论 train 还是 eval 模式、"
        "无论权重如何，所有输出都完全相同。",
    ),
    why=Text(
        "What the input says about the target cannot be learned. Usually a line of `forward` uses another variable in "
        "its place, or the result computed from it is overwritten.",
        "这个输入中与目标有关的信息无法被学到。通常是 `forward` 中某一行误用了别的变量，或由它算出的结果被覆盖了。",
    ),
    fix=Text(
        "Follow {names} through `forward` and use it, for example `self.item_embedding(item_ids)`; if it is not needed, "
        "take it out of the arguments.",
        "在 `forward` 中追踪 {names} 并真正使用它，例如 `self.item_embedding(item_ids)`；如果不需要，就从参数中删掉。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)
picture, gauge = torch.randn(1500, 12), torch.randn(1500, 3)
wanted = (picture[:, 0] + 2 * gauge[:, 1] > 0).long()


class Fusion(nn.Module):
    def __init__(self):
        super().__init__()
        self.left, self.right = nn.Linear(12, 24), nn.Linear(3, 24)
        self.out = nn.Linear(48, 2)

    def forward(self, picture, gauge):
        left = torch.relu(self.left(picture))
        right = torch.relu(self.right(picture[:, :3]))
        return self.out(torch.cat([left, right], 1))


model = Fusion()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for step in range(200):
    rows = torch.randint(0, 1500, (64,))
    loss = nn.functional.cross_entropy(model(picture[rows], gauge[rows]), wanted[rows])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(loss.item())
""",
    good="""\
import torch
from torch import nn

torch.manual_seed(0)
picture, gauge = torch.randn(1500, 12), torch.randn(1500, 3)
wanted = (picture[:, 0] + 2 * gauge[:, 1] > 0).long()


class Fusion(nn.Module):
    def __init__(self):
        super().__init__()
        self.left, self.right = nn.Linear(12, 24), nn.Linear(3, 24)
        self.out = nn.Linear(48, 2)

    def forward(self, picture, gauge):
        left = torch.relu(self.left(picture))
        right = torch.relu(self.right(gauge))
        return self.out(torch.cat([left, right], 1))


model = Fusion()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for step in range(200):
    rows = torch.randint(0, 1500, (64,))
    loss = nn.functional.cross_entropy(model(picture[rows], gauge[rows]), wanted[rows])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(loss.item())
""",
    links=("https://karpathy.github.io/2019/04/25/recipe/",),
    explains=("TRN*", "DAT006", "MOD010", "MOD011"),
    needs=("probes",),
    preview=True,
)
