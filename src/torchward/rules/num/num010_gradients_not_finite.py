"""NUM010: gradients are NaN or infinite time and again, although the loss is not."""

from __future__ import annotations

import math
from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

LEAST = 3
SHARE = 0.05
"""Of the sampled calls of `clip_grad_norm_`. A single one is an overflow that a lower rate would have caught."""


def check(run: Run) -> Iterator[Finding]:
    if run.nonfinite is not None or any(one.step_scaled or one.scaler_calls for one in run.optimizers):
        return  # NUM001 says more; a GradScaler probes the largest scale by overflowing: NUM004
    for clip in run.clips:
        norms = clip.total_norm
        bad = [step for step, norm in zip(norms.steps, norms.values, strict=True) if not math.isfinite(norm)]
        if len(bad) < max(LEAST, SHARE * len(norms)):
            continue
        steep = run.steep
        where = steep.operation if steep is not None else ""
        if where and steep is not None and steep.module:
            where = f"{steep.module} -> {where}"
        yield Finding(
            "NUM010",
            {
                "bad": len(bad),
                "samples": len(norms),
                "where": f"`{where}` (backward)" if where else "?",
                "backwards": run.backwards,
                "steps": max((one.steps for one in run.optimizers), default=0),
            },
            at(
                steep.line if steep is not None and steep.line is not None else clip.site,
                norms.between(bad[0], bad[-1]),
                module=steep.module if steep is not None else "",
            ),
            Confidence.CERTAIN,
        )


RULE = Rule(
    code="NUM010",
    name="gradients-not-finite",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "The norm of the gradients is NaN or infinite in {bad} of {samples} samples, while the losses are finite; an infinite "
        "slope may lie in {where}. There were {backwards} backward passes, and {steps} steps.",
        "在 {samples} 次采样中有 {bad} 次梯度范数为 NaN 或无穷大，而损失是有限的；斜率无穷大之处可能在 {where}。"
        "共有 {backwards} 次反向传播、{steps} 次更新。",
    ),
    why=Text(
        "`sqrt`, `norm` and fractional powers are finite at 0, but their slope there is not; times a slope of 0 that makes NaN, "
        "for all weights at once. Where such steps are skipped, the batches with such an example teach nothing.",
        "`sqrt`、`norm` 和分数次幂在 0 处有限，但斜率是无穷大；再乘以为 0 的斜率就得到 NaN，并波及所有权重。若跳过这些更新，含有此类样本的批次便什么也教不了。",
    ),
    fix=Text(
        "Keep the operand off 0: `torch.sqrt(variance + 1e-8)`, `x.norm(dim=1).clamp(min=1e-8)` does not help (its slope is "
        "taken before), `(x.square().sum(1) + 1e-8).sqrt()` does. `torch.autograd.set_detect_anomaly(True)` names the line.",
        "让被运算的值远离 0：`torch.sqrt(variance + 1e-8)`；`x.norm(dim=1).clamp(min=1e-8)` 没有用（斜率在截断之前已算出），"
        "应写 `(x.square().sum(1) + 1e-8).sqrt()`。`torch.autograd.set_detect_anomaly(True)` 会指出所在的行。",
    ),
    bad="""\
import math

import torch
from torch import nn

torch.manual_seed(0)
points = torch.randn(512, 6, 2)
points[::8, 1:] = points[::8, :1]  # some sets hold one point only
labels = (points.std(1).sum(1) > 1.9).long()


class SetNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.each = nn.Sequential(nn.Linear(2, 32), nn.ReLU())
        self.all = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 2))

    def forward(self, x):
        h = self.each(x)
        spread = torch.sqrt(h.var(1, unbiased=False))
        return self.all(torch.cat([h.mean(1), spread], 1))


net = SetNet()
optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
for epoch in range(30):
    for rows in torch.randperm(512).split(32):
        loss = nn.functional.cross_entropy(net(points[rows]), labels[rows])
        optimizer.zero_grad()
        loss.backward()
        norm = nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        if math.isfinite(norm):
            optimizer.step()
    if epoch % 10 == 9:
        print(epoch, loss.item())
""",
    good="""\
import math

import torch
from torch import nn

torch.manual_seed(0)
points = torch.randn(512, 6, 2)
points[::8, 1:] = points[::8, :1]  # some sets hold one point only
labels = (points.std(1).sum(1) > 1.9).long()


class SetNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.each = nn.Sequential(nn.Linear(2, 32), nn.ReLU())
        self.all = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 2))

    def forward(self, x):
        h = self.each(x)
        spread = torch.sqrt(h.var(1, unbiased=False) + 1e-6)
        return self.all(torch.cat([h.mean(1), spread], 1))


net = SetNet()
optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
for epoch in range(30):
    for rows in torch.randperm(512).split(32):
        loss = nn.functional.cross_entropy(net(points[rows]), labels[rows])
        optimizer.zero_grad()
        loss.backward()
        norm = nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        if math.isfinite(norm):
            optimizer.step()
    if epoch % 10 == 9:
        print(epoch, loss.item())
""",
    links=(
        "https://docs.pytorch.org/docs/stable/autograd.html#anomaly-detection",
        "https://docs.pytorch.org/docs/stable/notes/autograd.html#gradients-for-non-differentiable-functions",
    ),
    explains=("OPT006", "TRN*", "OPT008", "MOD011"),
    needs=("optimizer",),
    preview=True,
)
