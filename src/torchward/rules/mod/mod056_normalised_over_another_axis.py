"""MOD056: vectors are divided by their norms along one axis and compared by products that sum over another."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at


def check(run: Run) -> Iterator[Finding]:
    for stream in run.streams:
        if stream.normalised is not None:
            shape, axis, summed, layer = stream.normalised
            yield Finding(
                "MOD056",
                data={"shape": shape, "axis": axis, "summed": summed, "layer": layer or "normalize"},
                place=at(stream.site, module=layer),
                confidence=Confidence.LIKELY,
            )
            return


RULE = Rule(
    code="MOD056",
    name="normalised-over-another-axis",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "Both factors of a matrix product were divided by their norms along axis {axis} of shape {shape} (behind `{layer}`), while "
        "the product sums over axis {summed}.",
        "一个矩阵乘法的两个因子都在形状 {shape} 的轴 {axis} 上除以了范数（来自 `{layer}`），而乘法是沿轴 {summed} 求和的。",
    ),
    why=Text(
        "The results are meant to be cosines, and are not: the lengths of the vectors still count, and what one of them is "
        "divided by depends on the others. `torch.nn.functional.normalize` takes axis 1 unless it is told another: right for "
        "(batch, features), wrong for (batch, tokens, features).",
        "结果本应是余弦相似度，实际却不是：向量的长度仍然起作用，而且每个向量除以的数取决于其他向量。"
        "`torch.nn.functional.normalize` 默认在轴 1 上归一化：对（batch, features）正确，对（batch, tokens, features）就错了。",
    ),
    fix=Text("`F.normalize(vectors, dim=-1)`.", "改为 `F.normalize(vectors, dim=-1)`。"),
    bad="""\
import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)
tokens = torch.randn(600, 6, 12)
views = [tokens[torch.arange(600)[:, None], torch.stack([torch.randperm(6) for _ in range(600)])] for _ in range(2)]
encoder = nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, 16))
optimizer = torch.optim.Adam(encoder.parameters(), lr=2e-3)
for step in range(200):
    rows = torch.randint(0, 600, (24,))
    one, other = (F.normalize(encoder(view[rows] + 0.3 * torch.randn(24, 6, 12))) for view in views)
    scores = (one.flatten(0, 1) @ other.flatten(0, 1).T).view(24, 6, 24, 6).amax(3).mean(1)
    loss = F.cross_entropy(scores / 0.1, torch.arange(24))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(loss.item())
""",
    good="""\
import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)
tokens = torch.randn(600, 6, 12)
views = [tokens[torch.arange(600)[:, None], torch.stack([torch.randperm(6) for _ in range(600)])] for _ in range(2)]
encoder = nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, 16))
optimizer = torch.optim.Adam(encoder.parameters(), lr=2e-3)
for step in range(200):
    rows = torch.randint(0, 600, (24,))
    one, other = (F.normalize(encoder(view[rows] + 0.3 * torch.randn(24, 6, 12)), dim=-1) for view in views)
    scores = (one.flatten(0, 1) @ other.flatten(0, 1).T).view(24, 6, 24, 6).amax(3).mean(1)
    loss = F.cross_entropy(scores / 0.1, torch.arange(24))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(loss.item())
""",
    links=("https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.normalize.html",),
    explains=("LOS050", "LOS051", "LOS052", "MOD009", "TRN001"),
    needs=("loss",),
    preview=True,
)
