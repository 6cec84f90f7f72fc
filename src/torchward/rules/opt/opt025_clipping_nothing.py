"""OPT025: clipping that is given no gradients at all."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

SAMPLES = 5


def check(run: Run) -> Iterator[Finding]:
    gradients: dict[int, float] = {}
    for optimizer in run.optimizers:
        for step, norm in zip(optimizer.gradient_norm.steps, optimizer.gradient_norm.values, strict=True):
            gradients[step] = max(norm, gradients.get(step, 0.0))
    for clip in run.clips:
        if clip.kind != "clip_grad_norm_" or clip.before_step < SAMPLES or any(clip.total_norm.values):
            continue
        norms = [gradients[step] for step in clip.total_norm.steps if gradients.get(step, 0.0) > 0]
        # The very first call may still have had the parameters; a loss of 0 has no gradients to clip.
        if len(norms) < SAMPLES or len(norms) < len(clip.total_norm) / 2:
            continue
        yield Finding(
            "OPT025",
            {
                "function": clip.kind,
                "threshold": clip.threshold,
                "calls": clip.calls,
                "samples": len(norms),
                "norm": max(norms),
            },
            at(clip.site),
            Confidence.CERTAIN,
        )


RULE = Rule(
    code="OPT025",
    name="clipping-nothing",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "`{function}` (called {calls} times) found a total norm of 0 at all {samples} sampled steps, while the gradients "
        "that are stepped have norms up to {norm}: it clips nothing.",
        "`{function}`（调用了 {calls} 次）在全部 {samples} 个采样步得到的总范数都是 0，而实际用于更新的梯度范数最大为 {norm}："
        "它什么也没有裁剪。",
    ),
    why=Text(
        "It was given an empty list or the parameters of something that has no gradients. `model.parameters()` is a "
        "generator: kept in a variable, it is used up by its first reader, the optimizer.",
        "传给它的是空列表，或者没有梯度的参数。`model.parameters()` 是生成器：存进变量后，第一个读取它的（优化器）就把它用完了。",
    ),
    fix=Text(
        "Ask the model that is trained, each time: `{function}(model.parameters(), {threshold})`; or keep a list, "
        "`parameters = list(model.parameters())`.",
        "每次都向正在训练的模型索取：`{function}(model.parameters(), {threshold})`；"
        "或者保存为列表 `parameters = list(model.parameters())`。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(800, 10)
y = (x @ torch.randn(10, 4)).argmax(1)
model = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 4))
parameters = model.parameters()
optimizer = torch.optim.SGD(parameters, lr=0.1, momentum=0.9)
for epoch in range(12):
    for rows in torch.randperm(800).split(50):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
    print(epoch, loss.item())
""",
    good="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(800, 10)
y = (x @ torch.randn(10, 4)).argmax(1)
model = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 4))
parameters = list(model.parameters())
optimizer = torch.optim.SGD(parameters, lr=0.1, momentum=0.9)
for epoch in range(12):
    for rows in torch.randperm(800).split(50):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
    print(epoch, loss.item())
""",
    links=("https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.clip_grad_norm_.html",),
    explains=("MOD003", "NUM002", "OPT007"),
    needs=("optimizer",),
)
