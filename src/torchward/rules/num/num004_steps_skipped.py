"""NUM004: a `GradScaler` that skips most steps, because their gradients are not finite."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Finding, Rule, Severity, Text
from torchward.rules._at import at

CALLS = 40
"""Twenty skipped steps bring a scale of 2**16 below 1: the search for a first scale is over long before."""
SHARE = 0.5


def check(run: Run) -> Iterator[Finding]:
    for optimizer in run.optimizers:
        calls = optimizer.scaler_calls
        skipped = calls - optimizer.steps
        if calls < CALLS or skipped < SHARE * calls:
            continue
        lost = run.nonfinite
        if lost is not None and lost.backwards - optimizer.steps < CALLS // 2:
            continue  # the loss itself was not finite, and steps were skipped from then on
        stream = max(run.streams, key=lambda one: len(one.values), default=None)
        site = optimizer.site or (stream.site if stream is not None else None) or optimizer.made
        yield Finding(
            "NUM004",
            data={
                "optimizer": optimizer.kind,
                "skipped": skipped,
                "calls": calls,
                "first_scale": optimizer.scale.values[0] if optimizer.scale else float("nan"),
                "scale": optimizer.scale.values[-1] if optimizer.scale else float("nan"),
            },
            place=at(site),
        )


RULE = Rule(
    code="NUM004",
    name="steps-skipped",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "`GradScaler` skipped {skipped} of {calls} steps of `{optimizer}`: gradients were not finite, though the scale "
        "came down from {first_scale} to {scale}.",
        "`GradScaler` 跳过了 `{optimizer}` 的 {calls} 步中的 {skipped} 步：梯度非有限，尽管缩放系数已从 {first_scale} 降到 {scale}。",
    ),
    why=Text(
        "Too large a scale makes half-precision gradients overflow, and halving it cures that within a few steps. Where "
        "steps go on being skipped, the gradients are NaN or infinite by themselves; the weights do not change, and "
        "no error is raised.",
        "缩放系数过大会使半精度梯度溢出，减半几次就能恢复。如果仍不断跳过，说明梯度本身就是 NaN 或无穷大；"
        "权重没有变化，也不会报错。",
    ),
    fix=Text(
        "Find the operation with `torch.autograd.set_detect_anomaly(True)`; compute it in float32 "
        "(`with torch.autocast(device_type, enabled=False):`), or train in `torch.bfloat16`, which needs no scaler.",
        "用 `torch.autograd.set_detect_anomaly(True)` 找到出错的运算；让它以 float32 计算"
        "（`with torch.autocast(device_type, enabled=False):`），或改用不需要 scaler 的 `torch.bfloat16`。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(800, 12).relu()
seen = (torch.rand(800, 12) > 0.8).float()  # of some examples nothing was seen
y = (x * seen).sum(1, keepdim=True) / 4
model = nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, 12))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
scaler = torch.amp.GradScaler("cpu")
for epoch in range(12):
    for rows in torch.randperm(800).split(50):
        optimizer.zero_grad()
        parts = model(x[rows]) * seen[rows]
        length = parts.square().sum(1, keepdim=True).sqrt()
        loss = nn.functional.mse_loss(length, y[rows])
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()
    print(epoch, loss.item(), scaler.get_scale())
""",
    good="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(800, 12).relu()
seen = (torch.rand(800, 12) > 0.8).float()  # of some examples nothing was seen
y = (x * seen).sum(1, keepdim=True) / 4
model = nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, 12))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
scaler = torch.amp.GradScaler("cpu")
for epoch in range(12):
    for rows in torch.randperm(800).split(50):
        optimizer.zero_grad()
        parts = model(x[rows]) * seen[rows]
        length = (parts.square().sum(1, keepdim=True) + 1e-6).sqrt()
        loss = nn.functional.mse_loss(length, y[rows])
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()
    print(epoch, loss.item(), scaler.get_scale())
""",
    links=("https://docs.pytorch.org/docs/stable/amp.html#gradient-scaling",),
    explains=("NUM001", "TRN*", "MOD003", "MOD011", "OPT006", "OPT008", "OPT009", "OPT010", "OPT019"),
    needs=("optimizer",),
)
